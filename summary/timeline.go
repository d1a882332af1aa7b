package summary

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"

	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/verdict"
)

// stage is one that a build, a rollout or a rollback went through.
type stage struct {
	part  string
	name  string
	began time.Time
}

// enter takes note of a stage, unless it is in it.
func (r *Report) enter(part, name string, at time.Time) {
	if n := len(r.stages); n == 0 || n < maxStages && (r.stages[n-1].name != name || r.stages[n-1].part != part) {
		r.stages = append(r.stages, stage{part, name, at})
	}
}

// callers says for how long callers reached what, as far as looks at the agent
// show.
type callers struct {
	failed, nothing, unknown time.Duration

	at    time.Time // of the last look
	reach *time.Duration
}

// seen takes note of a look. Ours is the deployment that a rollback would undo.
func (c *callers) seen(look poll.Look, ours string, at time.Time) {
	if c.reach != nil {
		*c.reach += at.Sub(c.at)
	}
	c.at = at
	switch {
	case look.Serving == poll.ServesNothing:
		c.reach = &c.nothing
	case look.Serving == poll.ServesUnknown:
		c.reach = &c.unknown
	case look.Server != "" && look.Server == ours:
		c.reach = &c.failed
	default:
		c.reach = nil
	}
}

// affected says how callers fared until a rollback was done with.
func (c *callers) affected() string {
	var reached []string
	for _, what := range []struct {
		name string
		long time.Duration
	}{{"nothing", c.nothing}, {"the failed revision", c.failed}} {
		if what.long > 0 {
			reached = append(reached, what.name+" for about "+span(what.long))
		}
	}
	switch {
	case reached != nil:
		return "Callers reached " + strings.Join(reached, ", and ") + "."
	case c.unknown > 0:
		return "Whether callers were affected is not known."
	}
	return "Callers were not affected: an earlier deployment served them all along."
}

// timeline renders how long each stage took, as a chart and in words.
func (r *Report) timeline(v verdict.Verdict) string {
	var shown []stage
	var ends []time.Time
	for i, s := range r.stages {
		end := time.Now()
		if i+1 < len(r.stages) {
			end = r.stages[i+1].began
		}
		if end.Sub(s.began) > time.Second/20 { // else it was the end
			shown, ends = append(shown, s), append(ends, end)
		}
	}
	if shown == nil {
		return ""
	}
	start, whole := shown[0].began, ends[len(ends)-1].Sub(shown[0].began)
	axis := "%M:%S"
	if whole >= time.Hour {
		axis = "%H:%M:%S"
	}
	var chart, rows strings.Builder
	for i, s := range shown {
		if i == 0 || s.part != shown[i-1].part {
			fmt.Fprintf(&chart, "    section %s\n", s.part)
		}
		tag := "done"
		if last := i+1 == len(shown) || shown[i+1].part != s.part; last && !v.Status.OK() && !(s.part == "Rollback" && v.Status == verdict.RolledBack) {
			tag = "crit"
		}
		took := span(ends[i].Sub(s.began))
		fmt.Fprintf(&chart, "    %s %s :%s, %s, %s\n", took, label(r.line(s.name)), tag, clock(s.began.Sub(start)), clock(ends[i].Sub(start)))
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", s.part, md(cut(r.line(s.name), 200)), took)
	}
	return "```mermaid\ngantt\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    axisFormat " + axis + "\n" + chart.String() + "```\n\n" +
		"| | Phase | Took |\n|:--|:--|--:|\n" + rows.String() + "\n"
}

// clock is a time of a chart, which counts from midnight: charts have no others.
func clock(d time.Duration) string {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Format("2006-01-02 15:04:05.000")
}

// label is a name that a chart can show, though not at the start of a line: it
// takes most marks, and some words there, for its own.
func label(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' }), " ")
	return cut(cmp.Or(s, "–"), 60)
}
