package deploy

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestOnto holds that a plan which is made again, from an agent that was not there before,
// is held to the same rules as the first, and still knows of the secrets.
func TestOnto(t *testing.T) {
	const keeps = `; secret set "keys" has the new secrets, and keeps them`
	image := Artifact{Image: "acme/bot:v2"}
	built := Artifact{Build: &pipecat.Build{ID: "b1", Region: "us-east"}}
	for _, tt := range []struct {
		name     string
		region   string // that is asked for
		artifact Artifact
		says     string
	}{
		{"another region", "us-east", image, `agent "bot" is in region us-west, not in us-east`},
		{"a build of another region", "", built, "build b1 is in region us-east, and the agent in us-west"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			cloud.AddAgent("bot", "us-west", "acme/bot:v1")
			r := withSecrets("keys", tt.region)
			p, err := NewPlan(r, Baseline{Region: tt.region}, tt.artifact)
			if err != nil {
				t.Fatal(err)
			}
			p.Stored = true
			_, renewed := p.Renew(t.Context(), client(cloud), event.Emitter{})
			_, applied := Apply(t.Context(), client(cloud), p, time.Now().Add(time.Minute), event.Emitter{})
			for _, err := range []error{renewed, applied} {
				var f *verdict.Failure
				if !errors.As(err, &f) || f.Reason != verdict.Inputs || !strings.HasPrefix(f.Message, tt.says) || !strings.HasSuffix(f.Message, keeps) {
					t.Errorf("%s: %v", tt.name, err)
				}
			}
			if n := len(cloud.Deployments("bot")); n != 1 {
				t.Errorf("%s: the agent has %d deployments", tt.name, n)
			}
		})
	}
}

// TestRenewShown holds that a plan is shown again where it is another one, such as one that
// can be rolled back now.
func TestRenewShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api, r := client(cloud), Request{Agent: "bot", Settings: pipecat.Settings{Image: "acme/bot:v2"}}
		before, err := Read(t.Context(), api, r)
		if err != nil {
			t.Fatal(err)
		}
		before.Agent.Ready = pipecat.False
		p := planned(t, r, before)
		p.Stored = true
		var shown []event.Planned
		show := event.Emitter{Handle: func(e event.Entry) { shown = append(shown, e.Event.(event.Planned)) }}
		again, err := p.Renew(t.Context(), api, show)
		if err != nil || len(shown) != 1 || p.Event().Irreversible == "" || shown[0].Irreversible != "" {
			t.Errorf("shown %+v, %v", shown, err)
		}
		if _, err := again.Renew(t.Context(), api, show); err != nil || len(shown) != 1 {
			t.Errorf("the same is shown again: %+v, %v", shown, err)
		}
	})
}
