package verdict

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestExitCode(t *testing.T) {
	want := map[Status]int{Ready: 0, Deployed: 0, Unchanged: 0, Planned: 0, Checked: 0, Failed: 1, TimedOut: 1, Superseded: 1, Cancelled: 1, RolledBack: 1}
	if len(Statuses()) != len(want) {
		t.Errorf("%d statuses, want %d", len(Statuses()), len(want))
	}
	for _, s := range Statuses() {
		if code, ok := want[s]; !ok || s.ExitCode() != code {
			t.Errorf("%s: exit code %d, want %d", s, s.ExitCode(), code)
		}
	}
	for _, s := range []Status{"", "something new"} {
		if s.ExitCode() != 1 {
			t.Errorf("%q is green", s)
		}
	}
}

func TestOf(t *testing.T) {
	crash := &Failure{Status: Failed, Reason: Crash, Message: "m"}
	for _, tt := range []struct {
		green  Status
		err    error
		status Status
		reason Reason
	}{
		{Ready, nil, Ready, ""},
		{Unchanged, nil, Unchanged, ""},
		{"", crash, Failed, Crash},
		{"", fmt.Errorf("waiting: %w", crash), Failed, Crash},
		{"", &Failure{Reason: Auth, Message: "m"}, Failed, Auth},
		{"", fmt.Errorf("reading: %w", context.Canceled), Cancelled, ReasonCancelled},
		{"", context.DeadlineExceeded, Failed, Internal},
		{"", errors.New("boom"), Failed, Internal},

		// A green status with an error is red, and so is a red one without.
		{Ready, crash, Failed, Crash},
		{Ready, &Failure{Status: Ready, Reason: Crash, Message: "m"}, Failed, Crash},
		{"", &Failure{Status: "something new", Reason: Crash, Message: "m"}, Failed, Crash},
		{"", &Failure{Message: "m"}, Failed, Internal},
		{Failed, nil, Failed, Internal},
		{"", nil, Failed, Internal},
		{"something new", nil, Failed, Internal},
	} {
		r := Of(tt.green, tt.err)
		if r.Status() != tt.status || r.Reason() != tt.reason {
			t.Errorf("%q, %v: got %s, %q", tt.green, tt.err, r.Status(), r.Reason())
		}
		if f := r.Failure(); (f == nil) != r.Status().OK() || f != nil && f.Message == "" {
			t.Errorf("%q, %v: status %s with failure %+v", tt.green, tt.err, r.Status(), f)
		}
	}
}

// TestZeroResult holds that a job of which nobody said how it ended is red.
func TestZeroResult(t *testing.T) {
	var r Result
	r.Failure().Message = "" // which changes no other
	if r.Failure().Message == "" {
		t.Error("it has no message")
	}
	if r.Status() != Failed || r.Reason() != Internal || r.Failure() == nil {
		t.Errorf("got %s, %q, %+v", r.Status(), r.Reason(), r.Failure())
	}
}

// TestResultIsValue holds that a result stays as it is, whatever becomes of the failure
// that it was made of, or of one that it returned.
func TestResultIsValue(t *testing.T) {
	crash := func() *Failure {
		return &Failure{Status: Failed, Reason: Crash, Message: "m", ExitCode: new(1), Evidence: []Evidence{{From: FromContainer, Text: "text"}},
			Rollback: &Rollback{Message: "m", Failure: &Failure{Status: Superseded, Message: "m", Evidence: []Evidence{{Text: "text"}}}}}
	}
	for _, which := range []string{"given", "returned"} {
		f := crash()
		r := Of("", f)
		if which == "returned" {
			f = r.Failure()
		}
		f.Status, f.Reason, f.Message, *f.ExitCode, f.Evidence[0].Text = Ready, "", "", 0, ""
		f.Rollback.Message, f.Rollback.Failure.Status, f.Rollback.Failure.Evidence[0].Text = "", Ready, ""
		if r.Status() != Failed || r.Reason() != Crash || !reflect.DeepEqual(r.Failure(), crash()) {
			t.Errorf("after the one that is %s has changed: %s, %q, %+v", which, r.Status(), r.Reason(), r.Failure())
		}
	}
	if f := Of(Ready, nil).Failure(); f != nil {
		t.Errorf("a green one has %+v", f)
	}
}

func TestOutput(t *testing.T) {
	var f Failure
	f.Show(FromBuilder, " \n")
	f.Show(FromBuilder, "failed")
	f.Evidence = append(f.Evidence, Evidence{From: FromBuildLog, Text: "1\n2", Shown: "2"})
	if got := f.Output(); got != "failed\n2" || len(f.Evidence) != 2 {
		t.Errorf("got %q of %+v", got, f.Evidence)
	}
}

// TestQuoted holds that a message has all of what shows why where it has each text.
func TestQuoted(t *testing.T) {
	var f Failure
	f.Quote(FromAPI, "no")
	f.Quote(FromAPI, " ")
	if !f.Quoted() || f.Output() != "no" || len(f.Evidence) != 1 {
		t.Errorf("quoted: %+v", f.Evidence)
	}
	if f.Show(FromPlatform, "why"); f.Quoted() {
		t.Errorf("shown: %+v", f.Evidence)
	}
}
