package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/verdict"
)

// tally says what a search has been through.
type tally struct {
	runs, requests, faults, cancelled, others int
	uploads, built                            int // contexts, and deployments of them
	calm, inside                              int // runs in which nothing goes wrong, and deployments of others inside a request
	statuses, reasons, kinds                  map[string]int
}

func (s *tally) add(r *searchRun) {
	if s.statuses == nil {
		s.statuses, s.reasons, s.kinds = map[string]int{}, map[string]int{}, map[string]int{}
	}
	s.runs++
	s.requests += len(r.sent)
	for _, q := range r.sent {
		if q.fault.name != "" {
			s.faults++
			s.kinds[q.fault.name]++
		}
	}
	if r.cancelAfter > 0 {
		s.cancelled++
	}
	s.others += len(r.others)
	s.inside += len(r.inside)
	if r.calm {
		s.calm++
	}
	s.uploads += len(r.cloud.Uploads())
	if r.inputs["cloud-build"] != "" {
		s.built += len(r.ours)
	}
	s.statuses[r.outputs["status"]]++
	s.reasons[r.outputs["failure-reason"]]++
}

func (s *tally) String() string {
	counts := func(m map[string]int) string {
		var all []string
		for _, name := range slices.Sorted(maps.Keys(m)) {
			all = append(all, fmt.Sprintf("%s %d", name, m[name]))
		}
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%d runs, %d requests, %d faults, %d deployments of others and %d inside a request, %d cancellations, %d calm runs, %d build contexts uploaded and %d deployed\nstatuses: %s\nreasons: %s\nfaults: %s",
		s.runs, s.requests, s.faults, s.others, s.inside, s.cancelled, s.calm, s.uploads, s.built, counts(s.statuses), counts(s.reasons), counts(s.kinds))
}

// check finds what a long search should have come across, and has not.
func (s *tally) check(t *testing.T) {
	if s.runs < 2000 {
		return
	}
	for _, status := range verdict.Statuses() {
		if s.statuses[string(status)] == 0 {
			t.Errorf("no run ended as %s", status)
		}
	}
	if s.calm < s.runs/100 || s.inside == 0 {
		t.Errorf("only %d calm runs, and %d deployments inside a request", s.calm, s.inside)
	}
	if s.built == 0 {
		t.Error("no cloud build was deployed")
	}
	for _, reason := range []verdict.Reason{verdict.ReasonNoAnswer, verdict.ReasonUnproven, verdict.Bake} {
		if s.reasons[string(reason)] == 0 {
			t.Errorf("no run failed for %s", reason)
		}
	}
	for _, f := range faults {
		if s.kinds[f.name] == 0 {
			t.Errorf("no request met the fault %q", f.name)
		}
	}
}
