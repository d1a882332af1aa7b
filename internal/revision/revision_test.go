package revision

import (
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
)

var target = Target{ID: "ours", Previous: "old"}

// reconciled is the document of an agent that serves our deployment.
func reconciled() *pipecat.Agent {
	return &pipecat.Agent{
		Ready: pipecat.True, Available: pipecat.True,
		DesiredDeploymentID: "ours", ReconciledDeploymentID: "ours",
		CurrentRevision: &pipecat.Revision{DeploymentID: "ours", Phase: pipecat.Active, ReadyReplicas: 1,
			Health: &pipecat.Health{Ready: true, State: "running", ReplicasStarted: 1}},
	}
}

// with is that document, changed; it is not ready unless the change says so.
func with(change func(*pipecat.Agent)) *pipecat.Agent {
	a := reconciled()
	a.Ready = pipecat.False
	a.CurrentRevision.Phase = pipecat.Validating
	a.CurrentRevision.Health.Ready = false
	change(a)
	return a
}

func health(change func(*pipecat.Health)) *pipecat.Agent {
	return with(func(a *pipecat.Agent) { change(a.CurrentRevision.Health) })
}

// TestIsStale holds the one rule of staleness: for a target that a response has
// named, and for one whose response was lost.
func TestIsStale(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	shows := func(id string, created time.Time) *pipecat.Agent {
		return &pipecat.Agent{DesiredDeploymentID: id, Deployment: &pipecat.Deployment{ID: id, CreatedAt: pipecat.Time{Time: created}}}
	}
	named := Target{ID: "ours", Previous: "old", CreatedAt: noon}
	lost := Target{Previous: "old", CreatedAt: noon}
	rollback := Target{ID: "back", Previous: "failed", Original: "first", CreatedAt: noon}
	for _, tt := range []struct {
		name       string
		target     Target
		doc        *pipecat.Agent
		stale      bool
		superseded bool
	}{
		{"ours", named, shows("ours", noon), false, false},
		{"the previous deployment", named, shows("old", noon), true, false},
		{"an older one than ours", named, shows("theirs", noon.Add(-time.Second)), true, false},
		{"one as old as ours", named, shows("theirs", noon), false, true},
		{"one of unknown age", named, shows("theirs", time.Time{}), false, true},
		{"any, when the age of ours is unknown", Target{ID: "ours", Previous: "old"}, shows("theirs", noon), false, true},
		{"none", named, &pipecat.Agent{}, false, false},
		{"the age of another deployment is shown", named, &pipecat.Agent{DesiredDeploymentID: "theirs",
			Deployment: &pipecat.Deployment{ID: "x", CreatedAt: pipecat.Time{Time: noon.Add(-time.Hour)}}}, false, true},
		{"a lost response: the previous deployment", lost, shows("old", noon), true, false},
		{"a lost response: an older one", lost, shows("theirs", noon.Add(-time.Second)), true, false},
		{"a lost response: a new one", lost, shows("new", noon.Add(time.Second)), false, true},
		{"a rollback: the failed deployment", rollback, shows("failed", noon), true, false},
		{"a rollback: the one that it restores", rollback, shows("first", time.Time{}), true, false},
		{"a rollback: a new one", rollback, shows("theirs", noon.Add(time.Second)), false, true},
	} {
		if got := tt.target.IsStale(tt.doc); got != tt.stale {
			t.Errorf("%s: stale: %v", tt.name, got)
		}
		if got := tt.target.IsSuperseded(tt.doc); got != tt.superseded {
			t.Errorf("%s: superseded: %v", tt.name, got)
		}
	}
}

func TestObserve(t *testing.T) {
	for _, tt := range []struct {
		name string
		doc  *pipecat.Agent
		want State
	}{
		{"nothing", &pipecat.Agent{}, State{Stage: AwaitingOperator}},
		{"lagging, though all else speaks of ours", func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "old"; return a }(), State{Stage: StaleRead, Serving: ServingOurs, ServingID: "ours"}},
		{"ready, with the revision of another", with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision.DeploymentID = pipecat.True, "x" }), State{Stage: ReadyUnseen, Serving: ServingOurs, ServingID: "ours"}},
		{"a phase in words of ours", with(func(a *pipecat.Agent) { a.CurrentRevision.Phase = StaleRead.String() }), State{Stage: InPhase(StaleRead.String()), Serving: ServingPrevious, Ready: 1, Started: 1}},
		{"a phase that says superseded", with(func(a *pipecat.Agent) { a.CurrentRevision.Phase = Superseded.String() }), State{Stage: InPhase(Superseded.String()), Serving: ServingPrevious, Ready: 1, Started: 1}},
		{"no phase", with(func(a *pipecat.Agent) { a.CurrentRevision.Phase = "" }), State{Stage: AwaitingRevision, Serving: ServingPrevious}},
		{"ready, and availability unknown", func() *pipecat.Agent { a := reconciled(); a.Available = pipecat.Absent; return a }(), State{Stage: InPhase("Active"), Serving: ServingOurs, ServingID: "ours", Ready: 1, Started: 1}},
		{"lagging", &pipecat.Agent{DesiredDeploymentID: "old"}, State{Stage: StaleRead}},
		{"superseded", &pipecat.Agent{DesiredDeploymentID: "theirs", Available: pipecat.True}, State{Stage: Superseded}},
		{"not reconciled", &pipecat.Agent{DesiredDeploymentID: "ours", ReconciledDeploymentID: "old", Available: pipecat.True, Ready: pipecat.True,
			CurrentRevision: &pipecat.Revision{DeploymentID: "old", Phase: "Active", ReadyReplicas: 5}},
			State{Stage: AwaitingOperator, Serving: ServingPrevious, ServingID: "old"}},
		{"not reconciled, and the one before does not serve", &pipecat.Agent{DesiredDeploymentID: "ours", ReconciledDeploymentID: "old", Available: pipecat.True,
			PreviousRevision: &pipecat.Revision{DeploymentID: "older"}},
			State{Stage: AwaitingOperator, Serving: ServingPrevious, ServingID: "older"}},
		{"no revision, and ready", with(func(a *pipecat.Agent) { a.CurrentRevision, a.Ready = nil, pipecat.True }), State{Stage: ReadyUnseen, Serving: ServingOurs, ServingID: "ours"}},
		{"fewer than none", with(func(a *pipecat.Agent) { a.CurrentRevision.ReadyReplicas = -3 }), State{Stage: InPhase("Validating"), Serving: ServingPrevious, Started: 1}},
		{"no revision", with(func(a *pipecat.Agent) { a.CurrentRevision, a.Available = nil, pipecat.False }), State{Stage: AwaitingRevision, Serving: ServingNothing}},
		{"an earlier one serves", with(func(a *pipecat.Agent) { a.PreviousRevision = &pipecat.Revision{DeploymentID: "older"} }),
			State{Stage: InPhase("Validating"), Serving: ServingPrevious, ServingID: "older", Ready: 1, Started: 1}},
		{"ready", reconciled(), State{Stage: InPhase("Active"), Serving: ServingOurs, ServingID: "ours", Ready: 1, Started: 1}},
		{"crashing", health(func(h *pipecat.Health) { h.RestartCount, h.Reason = new(2), "Error" }),
			State{Stage: InPhase("Validating"), Serving: ServingPrevious, Ready: 1, Started: 1, Restarts: 2, Reason: "Error"}},
	} {
		if got := Observe(tt.doc, target).State; got != tt.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
	// Nothing serves beside the first deployment of an agent.
	if got := Observe(with(func(*pipecat.Agent) {}), Target{ID: "ours"}).State; got.Serving != ServingUnknown {
		t.Errorf("a new agent has an earlier deployment: %+v", got)
	}
	// Judging again the deployment that is there: what serves beside it is not it.
	again := Target{ID: "ours", Previous: "ours"}
	if got := Observe(with(func(*pipecat.Agent) {}), again).State; got.Serving != ServingPrevious || got.ServingID != "" {
		t.Errorf("an unchanged deployment that is not ready does not serve: %+v", got)
	}
}
