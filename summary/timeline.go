package summary

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"pipecat-cloud-deploy/internal/verdict"
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

// timeline renders how long each stage took, as a chart and in words.
func (r *Report) timeline(v verdict.Verdict) string {
	var shown []stage
	var ends []time.Time
	for i, s := range r.stages {
		end := time.Now()
		if i+1 < len(r.stages) {
			end = r.stages[i+1].began
		}
		if s.part != "" && end.Sub(s.began) > time.Second/20 { // else it was the end
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
		if last := i+1 == len(shown) || shown[i+1].part != s.part; last && broken(v, s.part, shown) {
			tag = "crit"
		}
		took := span(ends[i].Sub(s.began))
		fmt.Fprintf(&chart, "    %s %s :%s, %s, %s\n", took, label(r.line(s.name)), tag, clock(s.began.Sub(start)), clock(ends[i].Sub(start)))
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", s.part, md(cut(r.line(s.name), 200)), took)
	}
	return "```mermaid\ngantt\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    axisFormat " + axis + "\n" + chart.String() + "```\n\n" +
		"| | Phase | Took |\n|:--|:--|--:|\n" + rows.String() + "\n"
}

// broken reports whether it was in a part that something failed.
func broken(v verdict.Verdict, part string, shown []stage) bool {
	fails := func(v verdict.Verdict) bool { return v.Status == verdict.Failed || v.Status == verdict.TimedOut }
	switch {
	case part == "Rollback":
		return v.Rollback != nil && fails(*v.Rollback)
	case part == "Build" && slices.ContainsFunc(shown, func(s stage) bool { return s.part != part }):
		return false
	}
	return fails(v) || v.Status == verdict.RolledBack
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
