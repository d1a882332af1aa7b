package summary

import (
	"fmt"
	"strings"
	"time"

	"pipecat-cloud-deploy/internal/quantity"
	"pipecat-cloud-deploy/internal/untrusted"
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

// timeline renders how long each stage took.
func (r *Record) timeline() string {
	var rows strings.Builder
	for i, s := range r.stages {
		end := r.ended
		if i+1 < len(r.stages) {
			end = r.stages[i+1].began
		}
		if s.part != "" && end.Sub(s.began) > time.Second/20 { // else it was the end
			fmt.Fprintf(&rows, "| %s | %s | %s |\n", s.part, md(untrusted.Cut(r.line(s.name), 200)), quantity.Span(end.Sub(s.began)))
		}
	}
	if rows.Len() == 0 {
		return ""
	}
	return "| | Phase | Duration |\n|:--|:--|--:|\n" + rows.String() + "\n"
}
