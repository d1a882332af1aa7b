package summary

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// The parts of a timeline.
const (
	buildPart    = "Build"
	secretsPart  = "Secrets"
	rolloutPart  = "Rollout"
	rollbackPart = "Rollback"
)

// stage is one that a build, a rollout or a rollback went through.
type stage struct {
	part  string // "" between two parts
	name  string
	began time.Time
}

// enter notes a stage, unless it is the last one already.
func (r *Record) enter(part, name string, at time.Time) {
	if n := len(r.stages); n == 0 || n < maxStages && (r.stages[n-1].name != name || r.stages[n-1].part != part) {
		r.stages = append(r.stages, stage{part, name, at})
	}
}

// timeline renders how long each stage took, as a chart and in words.
func (r *Record) timeline() string {
	var shown []stage
	var ends []time.Time
	for i, s := range r.stages {
		end := r.ended
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
		if last := i+1 == len(shown) || shown[i+1].part != s.part; last && r.failedIn(s.part, shown) {
			tag = "crit"
		}
		took := quantity.Span(ends[i].Sub(s.began))
		fmt.Fprintf(&chart, "    %s %s :%s, %s, %s\n", took, label(r.line(s.name)), tag, clock(s.began.Sub(start)), clock(ends[i].Sub(start)))
		fmt.Fprintf(&rows, "| %s | %s | %s |\n", s.part, md(untrusted.Cut(r.line(s.name), 200)), took)
	}
	return "```mermaid\ngantt\n    dateFormat YYYY-MM-DD HH:mm:ss.SSS\n    axisFormat " + axis + "\n" + chart.String() + "```\n\n" +
		"| | Phase | Took |\n|:--|:--|--:|\n" + rows.String() + "\n"
}

// failedIn reports whether the job failed in a part.
func (r *Record) failedIn(part string, shown []stage) bool {
	failed := func(s verdict.Status) bool { return s == verdict.Failed || s == verdict.TimedOut }
	switch {
	case part == rollbackPart:
		back := r.failure.Rollback
		return back != nil && back.Failure != nil && failed(cmp.Or(back.Failure.Status, verdict.Failed))
	case (part == buildPart || part == secretsPart) && slices.ContainsFunc(shown, func(s stage) bool { return s.part != part }):
		return false
	}
	return failed(r.status) || r.status == verdict.RolledBack
}

// clock is a time of a chart, which counts from midnight: charts have no others.
func clock(d time.Duration) string {
	return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(d).Format("2006-01-02 15:04:05.000")
}

// label is a name that a chart can show, though not at the start of a line: it
// takes most marks, and some words there, for its own.
func label(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '-' }), " ")
	return untrusted.Cut(cmp.Or(s, "–"), 60)
}
