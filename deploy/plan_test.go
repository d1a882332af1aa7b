package deploy

import (
	"reflect"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/verdict"
)

func TestPlan(t *testing.T) {
	agent := func() *pipecat.Agent {
		a := &pipecat.Agent{AgentProfile: "agent-1x", AutoScaling: &pipecat.Replicas{MinReplicas: ptr(1)}, KrispViva: &pipecat.KrispViva{}, Deployment: &pipecat.Deployment{}}
		a.Deployment.Manifest.Spec = pipecat.Spec{Image: "docker.io/acme/bot:v1", EnvFromSecretNames: []string{"keys"}, MaxSessionDurationSeconds: 3600}
		return a
	}
	asked := func(image string) Request { return Request{Settings: pipecat.Settings{Image: image}} }
	for _, tt := range []struct {
		name    string
		r       Request
		before  *pipecat.Agent
		want    string
		deploys bool
	}{
		{"all as it was", Request{}, agent(),
			"image docker.io/acme/bot:v1, secret-set keys, min-agents 1, agent-profile agent-1x, krisp-viva-audio-filter none, max-session-duration 3600s", false},
		{"a new image", asked("acme/bot:v2"), &pipecat.Agent{}, "image >acme/bot:v2", true},
		{"the same in another spelling", asked("acme/bot:v1"), agent(),
			"image docker.io/acme/bot:v1>acme/bot:v1, secret-set keys, min-agents 1, agent-profile agent-1x, krisp-viva-audio-filter none, max-session-duration 3600s", false},
		{"pinned to a digest", asked("a:b@sha256:" + strings.Repeat("a", 64)), shows("a:b"), "image a:b>a:b@sha256:" + strings.Repeat("a", 64), true},
		{"the same by force", Request{Force: true}, &pipecat.Agent{}, "", true},
		{"a new agent", Request{Settings: pipecat.Settings{BuildID: "id"}}, nil, "build-id >id", true},
		{"scaling", Request{Settings: pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MaxAgents: ptr(0)}}}, &pipecat.Agent{}, "max-agents >0", false},
	} {
		p := planned(t, tt.r, Baseline{Agent: tt.before})
		var got []string
		for _, c := range p.Changes {
			words := c.Name + " " + c.After
			if c.Asked {
				words = c.Name + " " + c.Before + ">" + c.After
			}
			got = append(got, words)
		}
		if strings.Join(got, ", ") != tt.want || p.NeedsDeployment() != tt.deploys {
			t.Errorf("%s: got %q, needs a deployment: %v", tt.name, strings.Join(got, ", "), p.NeedsDeployment())
		}
	}
}

// shows is an agent of an image.
func shows(image string) *pipecat.Agent {
	a := &pipecat.Agent{Deployment: &pipecat.Deployment{}}
	a.Deployment.Manifest.Spec.Image = image
	return a
}

func TestScalingOnly(t *testing.T) {
	scaling := &pipecat.AutoScaling{MinAgents: ptr(1)}
	for _, tt := range []struct {
		name   string
		before *pipecat.Agent
		r      Request
		build  *pipecat.Build
		want   bool
	}{
		{"it does", &pipecat.Agent{}, Request{Settings: pipecat.Settings{AutoScaling: scaling}}, nil, true},
		{"it forces, too", &pipecat.Agent{}, Request{Force: true, Settings: pipecat.Settings{AutoScaling: scaling}}, nil, false},
		{"it has an image, too", &pipecat.Agent{}, Request{Settings: pipecat.Settings{Image: "a:b", AutoScaling: scaling}}, nil, false},
		{"it has a build that is yet to be made, too", shows("a:b"), Request{Settings: pipecat.Settings{AutoScaling: scaling}}, &pipecat.Build{}, false},
		{"it creates", nil, Request{Settings: pipecat.Settings{AutoScaling: scaling}}, nil, false},
		{"with the image that it has", shows("a:b"), Request{Settings: pipecat.Settings{Image: "a:b", AutoScaling: scaling}}, nil, true},
		{"to what it has", &pipecat.Agent{AutoScaling: &pipecat.Replicas{MinReplicas: ptr(1)}}, Request{Settings: pipecat.Settings{AutoScaling: scaling}}, nil, false},
	} {
		p, err := NewPlan(tt.r, Baseline{Agent: tt.before}, Artifact{Image: tt.r.Settings.Image, Build: tt.build})
		if got := p.ScalingOnly(); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

// A plan is made of what is known, and so without a request.
var _ func(Request, Baseline, Artifact) (Plan, error) = NewPlan

// TestPure holds that a plan is a function of what is known: the same inputs make
// equal plans and equal events, and neither changes the inputs.
func TestPure(t *testing.T) {
	inputs := func() (Request, Baseline, Artifact) {
		r := Request{Agent: "bot", Region: "us-west", Force: true, Warm: true, Rollback: true,
			Settings: pipecat.Settings{Image: "a/b:v2", SecretSet: "more", AgentProfile: "agent-2x", WebsocketAuth: "token", MaxSessionDuration: 60,
				KrispViva: &pipecat.KrispViva{AudioFilter: ptr("pro")}, AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(3)}}}
		return r, Baseline{Agent: serving("a/b:v1"), Region: "us-west"}, Artifact{Image: "a/b:v2"}
	}
	r, b, a := inputs()
	first, err := NewPlan(r, b, a)
	if err != nil {
		t.Fatal(err)
	}
	firstEvent := first.Event()
	second, err := NewPlan(r, b, a)
	if err != nil || !reflect.DeepEqual(first, second) || !reflect.DeepEqual(firstEvent, second.Event()) || !reflect.DeepEqual(firstEvent, first.Event()) {
		t.Errorf("of the same inputs: %+v and %+v, %v", first, second, err)
	}
	if _, err := first.Revert(Accepted{ID: "new", Previous: "old", Agent: serving("a/b:v2")}, &verdict.Failure{Reason: verdict.Crash}); err != nil {
		t.Error(err)
	}
	wantR, wantB, wantA := inputs()
	if !reflect.DeepEqual(r, wantR) || !reflect.DeepEqual(b, wantB) || !reflect.DeepEqual(a, wantA) || !reflect.DeepEqual(first, second) {
		t.Errorf("the inputs change: %+v, %+v, %+v", r, b, a)
	}
}

// TestEvent holds what people are shown of a plan.
func TestEvent(t *testing.T) {
	in := func(region string, a *pipecat.Agent) *pipecat.Agent {
		a.Region, a.AutoScaling, a.KrispViva, a.AgentProfile = region, &pipecat.Replicas{MaxReplicas: ptr(10)}, nil, ""
		a.Deployment.Manifest.Spec.EnvFromSecretNames = nil
		return a
	}
	before := func(image string) Baseline { return Baseline{Agent: in("us-west", serving(image)), Region: "us-west"} }
	const (
		nothing = "no setting changes that makes a deployment, and what was behind the image's tag before is not known"
		hidden  = "the previous version is from a build, and the platform does not report which one"
	)
	v1, max10 := settings.Change{Name: "image", Before: "a/b:v1", After: "a/b:v1", Artifact: true}, settings.Change{Name: "max-agents", Before: "10", After: "10", Scaling: true}
	asked := func(s pipecat.Settings) Request { return Request{Agent: "bot", Settings: s} }
	toV2 := settings.Change{Name: "image", Before: "a/b:v1", After: "a/b:v2", Asked: true, Moves: true, Artifact: true}
	unbuilt := settings.Change{Name: "build-id", Asked: true, Moves: true, Artifact: true}
	source := Request{Agent: "bot", Source: &buildcontext.Options{}, DryRun: true, Rollback: true}
	for _, tt := range []struct {
		name string
		r    Request
		b    Baseline
		a    Artifact
		want event.Planned
	}{
		{"create", Request{Agent: "bot", Region: "us-east", Create: true, Force: true, Rollback: true, Settings: pipecat.Settings{Image: "a/b:v2"}}, Baseline{Region: "us-east"}, Artifact{Image: "a/b:v2"},
			event.Planned{Create: true, Region: "us-east", Image: "a/b:v2", Changes: []settings.Change{{Name: "image", After: "a/b:v2", Asked: true, Moves: true, Artifact: true}},
				NeedsDeployment: true, Rollback: true, Irreversible: "the agent was new, so there is nothing to go back to"}},
		{"create where the platform chooses", asked(pipecat.Settings{BuildID: "id"}), Baseline{Region: "us-west"}, Artifact{Build: &pipecat.Build{ID: "id", Status: "success"}},
			event.Planned{Create: true, FromBuild: true, BuildID: "id", BuildStatus: "success", Changes: []settings.Change{{Name: "build-id", After: "id", Asked: true, Moves: true, Artifact: true}},
				NeedsDeployment: true, Irreversible: "the agent was new, so there is nothing to go back to"}},
		{"update", Request{Agent: "bot", Region: "us-west", Rollback: true, Settings: pipecat.Settings{Image: "a/b:v2", WebsocketAuth: "token"}}, before("a/b:v1"), Artifact{Image: "a/b:v2"},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "a/b:v1", Image: "a/b:v2",
				Changes:         []settings.Change{toV2, max10, {Name: "websocket-auth", After: "token", Asked: true, Moves: true}},
				NeedsDeployment: true, Rollback: true, NotReported: []string{"websocket-auth"}, Reversal: []settings.Change{{Name: "image", Before: "a/b:v2", After: "a/b:v1", Asked: true, Moves: true, Artifact: true}}}},
		{"settings alone", asked(pipecat.Settings{MaxSessionDuration: 60}), before("[redacted]"), Artifact{},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "[redacted]", PreviousHidden: true,
				Changes:         []settings.Change{{Name: "image", Before: "[redacted]", After: "[redacted]", Artifact: true}, max10, {Name: "max-session-duration", Before: "7200s", After: "60s", Asked: true, Moves: true}},
				NeedsDeployment: true, Reversal: []settings.Change{{Name: "max-session-duration", Before: "60s", After: "7200s", Asked: true, Moves: true}}}},
		{"by force", Request{Agent: "bot", Force: true}, before("a/b:v1"), Artifact{},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "a/b:v1", Changes: []settings.Change{v1, max10}, Force: true, NeedsDeployment: true, Irreversible: nothing}},
		{"scaling only", asked(pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MaxAgents: ptr(20)}}), before("a/b:v1"), Artifact{},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "a/b:v1",
				Changes: []settings.Change{v1, {Name: "max-agents", Before: "10", After: "20", Asked: true, Moves: true, Scaling: true}}, ScalingOnly: true, Irreversible: nothing}},
		{"unchanged", asked(pipecat.Settings{Image: "a/b:v1", AutoScaling: &pipecat.AutoScaling{MaxAgents: ptr(10)}}), before("a/b:v1"), Artifact{Image: "a/b:v1"},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "a/b:v1", Image: "a/b:v1",
				Changes: []settings.Change{{Name: "image", Before: "a/b:v1", After: "a/b:v1", Asked: true, Artifact: true}, {Name: "max-agents", Before: "10", After: "10", Asked: true, Scaling: true}}, Irreversible: nothing}},
		{"a build in place of a build", asked(pipecat.Settings{BuildID: "b2"}), before("[redacted]"), Artifact{Build: &pipecat.Build{ID: "b2", Status: "building", Region: "us-west"}},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "[redacted]", PreviousHidden: true, FromBuild: true, BuildID: "b2", BuildStatus: "building",
				Changes:         []settings.Change{{Name: "image", Before: "[redacted]", After: "[redacted]", Artifact: true}, {Name: "build-id", After: "b2", Asked: true, Moves: true, Artifact: true}, max10},
				NeedsDeployment: true, Irreversible: hidden, RevertNeedsBuild: true}},
		{"a build, and what cannot be taken away, in place of a build", asked(pipecat.Settings{SecretSet: "keys", BuildID: "b2"}), before("[redacted]"), Artifact{Build: &pipecat.Build{ID: "b2", Status: "success", Region: "us-west"}},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "[redacted]", PreviousHidden: true, FromBuild: true, BuildID: "b2", BuildStatus: "success",
				Changes: []settings.Change{{Name: "image", Before: "[redacted]", After: "[redacted]", Artifact: true}, {Name: "build-id", After: "b2", Asked: true, Moves: true, Artifact: true},
					{Name: "secret-set", Before: "none", After: "keys", Asked: true, Moves: true}, max10},
				NeedsDeployment: true, Irreversible: hidden + "; the agent had no secret-set, and the API cannot take one away", RevertNeedsBuild: true,
				Lasting: []string{"the agent had no secret-set, and the API cannot take one away"}}},
		// In a dry run there is no id yet.
		{"a new build in place of an image", source, before("a/b:v1"), Artifact{Build: &pipecat.Build{Region: "us-west"}},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "a/b:v1", FromBuild: true, NeedsDeployment: true, Rollback: true,
				Changes: []settings.Change{v1, unbuilt, max10}, Reversal: []settings.Change{{Name: "image", After: "a/b:v1", Asked: true, Moves: true, Artifact: true}}}},
		{"a new build in place of a build", source, before("[redacted]"), Artifact{Build: &pipecat.Build{Region: "us-west"}},
			event.Planned{Region: "us-west", Previous: "old", PreviousImage: "[redacted]", PreviousHidden: true, FromBuild: true, NeedsDeployment: true, Rollback: true,
				Changes: []settings.Change{{Name: "image", Before: "[redacted]", After: "[redacted]", Artifact: true}, unbuilt, max10}, Irreversible: hidden, RevertNeedsBuild: true}},
	} {
		p, err := NewPlan(tt.r, tt.b, tt.a)
		if got := p.Event(); err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", tt.name, err, got, tt.want)
		}
		if p.Settings.BuildID != "" && p.Settings.BuildID != tt.want.BuildID {
			t.Errorf("%s: %+v would be sent", tt.name, p.Settings)
		}
	}
}

// TestEventOfRollback holds what is shown of a rollback.
func TestEventOfRollback(t *testing.T) {
	p := planned(t, Request{Agent: "bot", Region: "us-west", Force: true, Rollback: true, Settings: pipecat.Settings{Image: "a/b:v2", AgentProfile: "agent-2x"}}, Baseline{Agent: serving("a/b:v1")})
	made := serving("a/b:v2")
	made.DesiredDeploymentID, made.Deployment.ID, made.Region = "new", "new", "us-west"
	back, err := p.Revert(Accepted{ID: "new", Previous: "old", Agent: made}, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashed"})
	want := event.Planned{Region: "us-west", Previous: "new", PreviousImage: "a/b:v2", NeedsDeployment: true, RevertsID: "new", RevertedFailure: "it crashed",
		Changes: []settings.Change{{Name: "image", Before: "a/b:v2", After: "a/b:v1", Asked: true, Moves: true, Artifact: true}, {Name: "agent-profile", Before: "agent-2x", After: "agent-1x", Asked: true, Moves: true}}}
	if got := back.Event(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, want)
	}
}
