package stopping

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/verdict"
)

// TestJob holds what is reported of a job, and its exit code.
func TestJob(t *testing.T) {
	ready := func() (verdict.Status, error) { return verdict.Ready, nil }
	for _, tt := range []struct {
		name     string
		job      func() (verdict.Status, error)
		reported []bool // whether all of it is
		code     int
		want     []verdict.Reason
	}{
		{"green", ready, []bool{true}, 0, []verdict.Reason{""}},
		{"green, and stopped while it is reported", ready, []bool{false, true}, 1, []verdict.Reason{"", verdict.ReasonCancelled}},
		{"never reported", ready, []bool{false, false}, 1, []verdict.Reason{"", verdict.ReasonCancelled}},
		{"red", func() (verdict.Status, error) { return "", &verdict.Failure{Reason: verdict.Crash} }, []bool{true}, 1, []verdict.Reason{verdict.Crash}},
		{"panics", func() (verdict.Status, error) { panic("x") }, []bool{true}, 1, []verdict.Reason{verdict.Internal}},
		{"nothing to report", func() (verdict.Status, error) { return "", ErrNothing }, nil, 0, nil},
		{"does not end", func() (verdict.Status, error) { time.Sleep(time.Hour); return verdict.Ready, nil }, []bool{true, true}, 1,
			[]verdict.Reason{verdict.ReasonCancelled}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithTimeout(t.Context(), time.Second)
				defer stop()
				var mu sync.Mutex
				var got []verdict.Reason
				code := Job(ctx, tt.job, func(r verdict.Result) bool {
					mu.Lock()
					defer mu.Unlock()
					got = append(got, r.Reason())
					return tt.reported[len(got)-1]
				})
				mu.Lock()
				if code != tt.code || !slices.Equal(got, tt.want) {
					t.Errorf("exit code %d, reported %q; want %d and %q", code, got, tt.code, tt.want)
				}
				mu.Unlock()
				time.Sleep(2 * time.Hour) // until all of it has ended
			})
		})
	}
}
