package verdict

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestExitCode(t *testing.T) {
	want := map[Status]int{Ready: 0, Deployed: 0, Unchanged: 0, Planned: 0, Failed: 1, TimedOut: 1, Superseded: 1, Cancelled: 1, RolledBack: 1}
	if len(Statuses()) != len(want) {
		t.Errorf("%d statuses are told, want %d", len(Statuses()), len(want))
	}
	for _, s := range Statuses() {
		if code, ok := want[Status(s.Word)]; !ok || Status(s.Word).ExitCode() != code {
			t.Errorf("%s: exit code %d, want %d", s.Word, Status(s.Word).ExitCode(), code)
		}
	}
	for _, s := range []Status{"", "something new"} {
		if s.ExitCode() != 1 {
			t.Errorf("%q is green", s)
		}
	}
}

func TestOf(t *testing.T) {
	crash := &Verdict{Status: Failed, Reason: Crash, Message: "m"}
	for _, tt := range []struct {
		err    error
		status Status
		reason Reason
	}{
		{crash, Failed, Crash},
		{fmt.Errorf("waiting: %w", crash), Failed, Crash},
		{fmt.Errorf("reading: %w", context.Canceled), Cancelled, Stopped},
		{context.DeadlineExceeded, Failed, API},
		{errors.New("boom"), Failed, API},
	} {
		if v := Of(tt.err); v.Status != tt.status || v.Reason != tt.reason || v.Message == "" {
			t.Errorf("%v: got %+v", tt.err, v)
		}
	}
}
