package deploy

import (
	"context"
	"errors"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// reader is an API whose agent is read, or cannot be.
type reader struct {
	API
	agent *pipecat.Agent
	err   error
}

func (r reader) Agent(context.Context, string) (*pipecat.Agent, error) { return r.agent, r.err }

// TestNewCaller holds when a test call is not made at all, and what the job says then.
func TestNewCaller(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		desired string
		err     error
		reason  verdict.Reason // "" if the call is made
		says    string
	}{
		{"it is wanted", t.Context(), "new", nil, "", ""},
		{"the read is old", t.Context(), "old", nil, "", ""},
		{"another client has deployed", t.Context(), "theirs", nil, verdict.ReasonSuperseded, "deployment theirs replaced new"},
		{"it cannot be read", t.Context(), "", errors.New("502"), verdict.ReasonUnproven, "could not be made"},
		{"the job is stopped", stopped, "", context.Canceled, verdict.ReasonCancelled, "stopped before the test call"},
	} {
		api := reader{agent: &pipecat.Agent{Name: "bot", DesiredDeploymentID: tt.desired}, err: tt.err}
		_, err := NewCaller(tt.ctx, api, Request{Agent: "bot"}, revision.Target{ID: "new", Previous: "old"})
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		var f *verdict.Failure
		if !errors.As(err, &f) || f.Reason != tt.reason || !strings.Contains(f.Message, tt.says) || strings.Contains(f.Message, "not sent") {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
