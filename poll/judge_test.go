package poll

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/verdict"
)

// params are a target and a policy, as short as a table's row needs them.
type params struct {
	ID, Previous, Original string
	CreatedAt              time.Time
	MaxRestarts            int
	MinReady               time.Duration
	MinReplicas            int
	Asked                  pipecat.Settings
	Known                  []pipecat.AgentError
	AcceptedOnly           bool
}

func (p params) target() revision.Target {
	return revision.Target{ID: p.ID, Previous: p.Previous, Original: p.Original, CreatedAt: p.CreatedAt, Asked: p.Asked, KnownErrors: p.Known}
}

func (p params) policy() Policy {
	return Policy{AcceptedOnly: p.AcceptedOnly, MaxRestarts: p.MaxRestarts, MinReady: p.MinReady, MinReplicas: p.MinReplicas}
}

// judge judges a document.
func (p params) judge(doc *pipecat.Agent, h History, at time.Time) (bool, *verdict.Failure, History) {
	return Judge(revision.Observe(doc, p.target()), p.policy(), h, at)
}

// statusOf is the status that a verdict stands for; "" while there is none.
func statusOf(done bool, f *verdict.Failure) verdict.Status {
	switch {
	case f != nil:
		return f.Status
	case done:
		return verdict.Ready
	}
	return ""
}

// judged is a failure's message and its evidence, of which it composes no cause.
func judged(f *verdict.Failure) string {
	s := f.Message
	for _, e := range f.Evidence {
		s += "; " + string(e.From) + ": " + e.Text
	}
	return s
}

var rules = params{ID: "ours", Previous: "old", MaxRestarts: 2}

func ptr[T any](v T) *T { return &v }

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

// desired makes another client's deployment the desired one.
func desired(id string, made time.Time) func(*pipecat.Agent) {
	return func(a *pipecat.Agent) {
		a.DesiredDeploymentID = id
		a.Deployment = &pipecat.Deployment{ID: id, CreatedAt: pipecat.Time{Time: made}}
	}
}

func TestJudge(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	const progresses = verdict.Status("")
	pulling := func(reason string) *pipecat.Agent {
		return health(func(h *pipecat.Health) { h.State, h.Reason, h.Message = "waiting", reason, "no such tag" })
	}
	looping := health(func(h *pipecat.Health) {
		h.Reason, h.LastTerminationReason, h.LastExitCode, h.RestartCount = "CrashLoopBackOff", "Error", ptr(1), new(1)
		h.Message = "Traceback:\n  ...\nKeyError: 'API_KEY'\n"
	})
	failedPhase := func(h *pipecat.Health, conditions ...pipecat.Condition) *pipecat.Agent {
		return with(func(a *pipecat.Agent) {
			a.CurrentRevision.Phase, a.CurrentRevision.Health, a.Conditions = pipecat.Failed, h, conditions
		})
	}

	// ready is a document that says ready, whatever else it says.
	ready := func(a *pipecat.Agent) *pipecat.Agent {
		said := *a
		said.Ready = pipecat.True
		return &said
	}
	// lower is one whose words are in lower case.
	lower := func(a *pipecat.Agent) *pipecat.Agent {
		said, rev, health := *a, *a.CurrentRevision, *a.CurrentRevision.Health
		health.Reason = strings.ToLower(health.Reason)
		said.CurrentRevision, rev.Health = &rev, &health
		return &said
	}
	// of is one of a deployment that serves an image.
	of := func(image string) *pipecat.Agent {
		a := reconciled()
		a.Deployment = &pipecat.Deployment{ID: "ours"}
		a.Deployment.Manifest.Spec.Image = image
		return a
	}
	asked := params{ID: "ours", Previous: "old", Asked: pipecat.Settings{Image: "a/b:v2"}}
	notFound, limit := pipecat.AgentError{Code: "PCC_IMAGE_NOT_FOUND"}, pipecat.AgentError{Code: "PCC_IMAGE_PULL_RATE_LIMIT"}
	errorsOf := func(errs ...pipecat.AgentError) *pipecat.Agent {
		return with(func(a *pipecat.Agent) { a.Errors = errs })
	}
	pendingWith := func(errs ...pipecat.AgentError) *pipecat.Agent {
		return with(func(a *pipecat.Agent) { a.Errors, a.ReconciledDeploymentID, a.CurrentRevision = errs, "old", nil })
	}

	tests := []struct {
		name string
		// docs are observed ten seconds after each other, nil for a read that fails;
		// the verdict is the last one's, and those before it have none.
		docs    []*pipecat.Agent
		rules   params
		status  verdict.Status
		reason  verdict.Reason
		message string
	}{
		{name: "2: another deployment is desired", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.DesiredDeploymentID = "theirs" })},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded, message: "another client has deployed: deployment theirs replaced ours"},
		{name: "2: another is, by the deprecated id", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.DesiredDeploymentID, a.ActiveDeploymentID = "", "theirs" })},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "2: superseded though it is ready", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "theirs"; return a }()},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "3: the previous deployment is still desired", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.DesiredDeploymentID, a.ReconciledDeploymentID, a.Ready = "old", "old", pipecat.True
		})}},
		{name: "3: it is, though all else speaks of ours", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "old"; return a }()}},
		{name: "3: an older deployment than ours is desired", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon.Add(-time.Second)))}},
		{name: "3: the one that a rollback restores is desired, of unknown age", rules: params{ID: "ours", Previous: "failed", Original: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("old", time.Time{}))}, status: progresses},
		{name: "2: it is as old as ours", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "2: it is newer", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon.Add(time.Second)))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "2: its age is unknown", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", time.Time{}))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "2: the age of ours is not known", docs: []*pipecat.Agent{with(desired("theirs", noon))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "2: the age of another is known", rules: params{ID: "ours", Previous: "old", CreatedAt: noon}, docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			desired("theirs", noon.Add(-time.Second))(a)
			a.Deployment.ID = "yet another"
		})}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "2: except that none is named", docs: []*pipecat.Agent{{}}},
		{name: "2: none is named, and ours serves", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = ""; return a }()}, status: verdict.Ready},
		{name: "2: none is named, of a new agent", rules: params{ID: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = ""; return a }()}, status: verdict.Ready},
		{name: "2: the same deployment is judged again", rules: params{ID: "ours", Previous: "ours"}, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},

		{name: "2: ours by its id, with another image", rules: asked, docs: []*pipecat.Agent{of("a/b:v9")}},
		{name: "2: for longer than seven seconds", rules: asked, docs: []*pipecat.Agent{of("a/b:v9"), of("a/b:v9")}, status: verdict.Superseded, reason: verdict.ReasonSuperseded,
			message: `deployment ours, which the platform names as ours, is not what was asked for: its image is "a/b:v9"`},
		{name: "2: except for a moment", rules: asked, docs: []*pipecat.Agent{of("a/b:v9"), of("a/b:v2")}, status: verdict.Ready},
		{name: "2: except when it is ours in between", rules: params{ID: "ours", Previous: "old", Asked: pipecat.Settings{Image: "a/b:v2"}, MinReady: time.Hour}, docs: []*pipecat.Agent{of("a/b:v9"), of("a/b:v2"), of("a/b:v9")}},
		{name: "2: except that the image is not shown", rules: asked, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "2: except that a build is redacted", rules: params{ID: "ours", Previous: "old", Asked: pipecat.Settings{BuildID: "b"}}, docs: []*pipecat.Agent{of("[redacted]")}, status: verdict.Ready},
		{name: "2: except that only its scaling is another", rules: params{ID: "ours", Previous: "old", Asked: pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(7)}}}, docs: []*pipecat.Agent{of("a/b:v2")}, status: verdict.Ready},
		{name: "3: what is accepted alone, except that reads do not show it", rules: params{ID: "ours", Previous: "old", AcceptedOnly: true}, docs: []*pipecat.Agent{{DesiredDeploymentID: "old"}}},
		{name: "3: what is accepted alone", rules: params{ID: "ours", Previous: "old", AcceptedOnly: true}, docs: []*pipecat.Agent{{DesiredDeploymentID: "ours"}}, status: verdict.Ready},
		{name: "2: what is accepted alone, and is not what was asked for", rules: params{ID: "ours", Previous: "old", AcceptedOnly: true, Asked: pipecat.Settings{Image: "a/b:v2"}}, docs: []*pipecat.Agent{of("a/b:v9"), of("a/b:v9")},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded},

		{name: "4: errors before the operator has looked", docs: []*pipecat.Agent{pendingWith(notFound), pendingWith(notFound)}, status: verdict.Failed, reason: verdict.ImagePull},
		{name: "4: except at one poll", docs: []*pipecat.Agent{pendingWith(notFound)}},
		{name: "4: except two polls with one between that has none", docs: []*pipecat.Agent{pendingWith(notFound), pendingWith(), pendingWith(notFound)}},
		{name: "4: except those of before", rules: params{ID: "ours", Previous: "old", Known: []pipecat.AgentError{notFound}}, docs: []*pipecat.Agent{pendingWith(notFound), pendingWith(notFound), pendingWith(notFound)}},
		{name: "4: new ones beside those of before", rules: params{ID: "ours", Previous: "old", Known: []pipecat.AgentError{{Code: "PCC_OLD"}}},
			docs:   []*pipecat.Agent{pendingWith(pipecat.AgentError{Code: "PCC_OLD"}, notFound), pendingWith(pipecat.AgentError{Code: "PCC_OLD"}, notFound)},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the platform cannot run the new revision; platform: PCC_IMAGE_NOT_FOUND"},
		{name: "4: except those of before while ours serves", rules: params{ID: "ours", Previous: "old", Known: []pipecat.AgentError{notFound}}, docs: []*pipecat.Agent{ready(errorsOf(notFound))}, status: verdict.Ready},
		{name: "4: those of before, of the deployment that is there and does not serve", rules: params{ID: "ours", Previous: "ours", Known: []pipecat.AgentError{notFound}},
			docs: []*pipecat.Agent{errorsOf(notFound), errorsOf(notFound)}, status: verdict.Failed, reason: verdict.ImagePull},
		{name: "4: except that it serves", rules: params{ID: "ours", Previous: "ours", Known: []pipecat.AgentError{notFound}}, docs: []*pipecat.Agent{ready(errorsOf(notFound))}, status: verdict.Ready},
		{name: "4: a poll with a new one does not count as serving", docs: []*pipecat.Agent{ready(errorsOf(notFound))}},
		{name: "4: except one of load", docs: []*pipecat.Agent{ready(errorsOf(limit))}, status: verdict.Ready},
		{name: "4: one of load, for less than thirty seconds", docs: []*pipecat.Agent{errorsOf(limit), errorsOf(limit), errorsOf(limit)}},
		{name: "4: one of load, for thirty seconds", docs: []*pipecat.Agent{errorsOf(limit), errorsOf(limit), errorsOf(limit), errorsOf(limit)}, status: verdict.Failed, reason: verdict.ImagePull},

		{name: "5: not reconciled, whatever else it says", docs: []*pipecat.Agent{func() *pipecat.Agent {
			a := reconciled()
			a.ReconciledDeploymentID = "old"
			a.CurrentRevision = &pipecat.Revision{DeploymentID: "old", Phase: pipecat.Failed, Health: &pipecat.Health{RestartCount: new(99)}}
			return a
		}()}},
		{name: "5: nor ever on a new agent", rules: params{ID: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.ReconciledDeploymentID = ""; return a }()}},

		{name: "4: errors", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.Errors = []pipecat.AgentError{{Code: "PCC_IMAGE_NOT_FOUND", Message: "no such image"}}
		}), with(func(a *pipecat.Agent) {
			a.Errors = []pipecat.AgentError{{Code: "PCC_IMAGE_NOT_FOUND", Message: "no such image"}}
		})}, status: verdict.Failed, reason: verdict.ImagePull, message: "the platform cannot run the new revision; platform: PCC_IMAGE_NOT_FOUND: no such image"},
		{name: "4: for another processor", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{Code: "PCC_INVALID_IMAGE_PLATFORM"}} }), with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{Code: "PCC_INVALID_IMAGE_PLATFORM"}} })},
			status: verdict.Failed, reason: verdict.ImagePlatform, message: "the platform cannot run the new revision; platform: PCC_INVALID_IMAGE_PLATFORM"},
		{name: "4: of a code that is new", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{Code: "PCC-1004", Message: "no billing"}} }), with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{Code: "PCC-1004", Message: "no billing"}} })},
			status: verdict.Failed, reason: verdict.Refused},
		{name: "4: with a message alone", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{}, {Message: "boom"}} }), with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{}, {Message: "boom"}} })},
			status: verdict.Failed, reason: verdict.Refused, message: "the platform cannot run the new revision; platform: boom"},
		{name: "4: except errors that say nothing", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{}} })}},

		{name: "6: phase Failed, with a Degraded condition", docs: []*pipecat.Agent{failedPhase(nil,
			pipecat.Condition{Type: "Degraded", Status: "True", Reason: "ImageResolutionFailed", Message: "Failed to resolve image tag"})},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the new revision failed (ImageResolutionFailed); platform: Failed to resolve image tag"},
		{name: "6: phase Failed, with health", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{LastExitCode: ptr(2), Message: "bad flag"})},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision crashes (exit code 2); container: bad flag"},
		{name: "6: phase Failed, in a crash loop", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{Reason: "CrashLoopBackOff"})},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "6: phase Failed, killed for its memory", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{Reason: "OOMKilled"})},
			status: verdict.Failed, reason: verdict.OutOfMemory},
		{name: "6: phase Failed, with an image that cannot be pulled", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{Reason: "ErrImagePull"})},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the image cannot be pulled (ErrImagePull)"},
		{name: "6: phase Failed, without a message", docs: []*pipecat.Agent{failedPhase(nil, pipecat.Condition{Type: "Degraded", Status: "False", Message: "fine"})},
			status: verdict.Failed, reason: verdict.Refused, message: "the new revision failed"},
		{name: "6: except that another client's revision failed", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.CurrentRevision.DeploymentID, a.CurrentRevision.Phase = "old", pipecat.Failed
		})}},

		{name: "6: too many restarts", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = new(3) })},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision crashes (3 restarts)"},
		{name: "6: except too many that are over, because it serves", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision.Health.RestartCount = pipecat.True, new(3) })},
			status: verdict.Ready},
		{name: "6: except those of a long life", rules: params{ID: "ours", Previous: "ours", MaxRestarts: 2}, docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = new(9) }), health(func(h *pipecat.Health) { h.RestartCount = new(11) })}},
		{name: "6: those since the first poll of an unchanged one", rules: params{ID: "ours", Previous: "ours", MaxRestarts: 2},
			docs:   []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = new(9) }), health(func(h *pipecat.Health) { h.RestartCount = new(11) }), health(func(h *pipecat.Health) { h.RestartCount = new(12) })},
			status: verdict.Failed, reason: verdict.Crash, message: "the current revision crashes (3 restarts)"},
		{name: "6: a count that begins again is of other replicas", rules: params{ID: "ours", Previous: "ours", MaxRestarts: 2},
			docs:   []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = new(9) }), health(func(h *pipecat.Health) { h.RestartCount = new(0) }), health(func(h *pipecat.Health) { h.RestartCount = new(3) })},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "6: a crash loop, twice in a row, though it says ready", docs: []*pipecat.Agent{ready(looping), ready(looping)}, status: verdict.Failed, reason: verdict.Crash},
		{name: "6: in other letters", docs: []*pipecat.Agent{lower(looping), lower(looping)}, status: verdict.Failed, reason: verdict.Crash},
		{name: "6: phase failed, in other letters, though it says ready", docs: []*pipecat.Agent{ready(with(func(a *pipecat.Agent) { a.CurrentRevision.Phase = "failed" }))}, status: verdict.Failed, reason: verdict.Refused},
		{name: "6: killed, and the platform says why not", docs: []*pipecat.Agent{health(func(h *pipecat.Health) {
			h.RestartCount, h.LastExitCode, h.LastTerminationReason = new(3), ptr(137), "Error"
		})},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision is killed, by a health check that fails or because it needs more memory (exit code 137, 3 restarts)"},
		{name: "6: a container that cannot be created", docs: []*pipecat.Agent{pulling("CreateContainerError"), pulling("CreateContainerError"), pulling("RunContainerError"), pulling("RunContainerError")},
			status: verdict.Failed, reason: verdict.Refused, message: "the container cannot be set up (RunContainerError); platform: no such tag"},
		{name: "6: an image that cannot be pulled, though it says ready", docs: []*pipecat.Agent{ready(pulling("ErrImagePull")), ready(pulling("ErrImagePull")), ready(pulling("ErrImagePull")), ready(pulling("ErrImagePull"))},
			status: verdict.Failed, reason: verdict.ImagePull},
		{name: "6: except as many as are forgiven", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = new(2) })}},
		{name: "6: except as many for each replica", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.ReplicasStarted = new(6), 3 })}},
		{name: "6: too many for the replicas", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.ReplicasStarted = new(7), 3 })},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "6: except that the replicas are a number that cannot be", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.ReplicasStarted = 1 << 62 })}},
		{name: "6: one when none is forgiven", rules: params{ID: "ours"}, docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = new(1) })},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "6: a crash loop, twice in a row", docs: []*pipecat.Agent{looping, looping},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision crashes (exit code 1, 1 restart); container: Traceback:\n  ...\nKeyError: 'API_KEY'\n"},
		{name: "6: except once", docs: []*pipecat.Agent{looping}},
		{name: "6: except with a poll without a revision in between", docs: []*pipecat.Agent{looping, with(func(a *pipecat.Agent) { a.CurrentRevision = nil }), looping}},
		{name: "6: except with a poll in between", docs: []*pipecat.Agent{looping, with(func(*pipecat.Agent) {}), looping}},
		{name: "6: killed for its memory", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.LastTerminationReason = new(3), "OOMKilled" })},
			status: verdict.Failed, reason: verdict.OutOfMemory, message: "the new revision runs out of memory (3 restarts)"},
		{name: "6: exit code 137", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.LastExitCode = new(3), ptr(137) })},
			status: verdict.Failed, reason: verdict.OutOfMemory},

		{name: "6: an image that cannot be pulled for 30 seconds", docs: []*pipecat.Agent{pulling("ErrImagePull"), pulling("ImagePullBackOff"), pulling("ErrImagePull"), pulling("ImagePullBackOff")},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the image cannot be pulled (ImagePullBackOff); platform: no such tag"},
		{name: "6: a stale read in between changes nothing", docs: []*pipecat.Agent{pulling("ErrImagePull"), {DesiredDeploymentID: "old", ReconciledDeploymentID: "old"}, pulling("ErrImagePull"), pulling("ErrImagePull")},
			status: verdict.Failed, reason: verdict.ImagePull},
		{name: "6: except for less", docs: []*pipecat.Agent{pulling("ErrImagePull"), pulling("ImagePullBackOff"), pulling("ImagePullBackOff")}},
		{name: "6: except with a break", docs: []*pipecat.Agent{pulling("ErrImagePull"), with(func(*pipecat.Agent) {}), pulling("ErrImagePull"), pulling("ErrImagePull"), pulling("ErrImagePull")}},
		{name: "6: a container that cannot be set up", docs: []*pipecat.Agent{pulling("CreateContainerConfigError"), pulling("CreateContainerConfigError"), pulling("CreateContainerConfigError"), pulling("CreateContainerConfigError")},
			status: verdict.Failed, reason: verdict.Refused},
		{name: "6: an invalid image name, at once", docs: []*pipecat.Agent{pulling("InvalidImageName")},
			status: verdict.Failed, reason: verdict.ImagePull},

		{name: "7: ready, but not warm", rules: params{ID: "ours", MinReplicas: 2}, docs: []*pipecat.Agent{reconciled()}},
		{name: "7: warm", rules: params{ID: "ours", MinReplicas: 1}, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "7: a number of replicas that cannot be", rules: params{ID: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.CurrentRevision.ReadyReplicas = -1; return a }()}, status: verdict.Ready},
		{name: "7: ready, and how warm is unknown", rules: params{ID: "ours", MinReplicas: 1}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.CurrentRevision = nil; return a }()}},
		{name: "7: ready", docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "7: ready with no replica", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.Ready, a.CurrentRevision.ReadyReplicas, a.CurrentRevision.Health = pipecat.True, 0, nil
		})}, status: verdict.Ready},
		{name: "7: ready with no revision reported", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision = pipecat.True, nil })}, status: verdict.Ready},
		{name: "7: ready with availability unknown", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.Available = pipecat.True, pipecat.Absent })}, status: verdict.Ready},
		{name: "7: except when it is not available", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.Available = pipecat.True, pipecat.False })}},
		{name: "7: whatever the current revision shows of another deployment", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.Ready, a.CurrentRevision.DeploymentID = pipecat.True, "old"
			a.CurrentRevision.Health.Reason, a.CurrentRevision.Health.RestartCount = "CrashLoopBackOff", new(9)
		})}, status: verdict.Ready},
		{name: "7: except one that says ready in a crash loop", docs: []*pipecat.Agent{ready(looping)}},
		{name: "7: a crash loop at one poll, and then not", docs: []*pipecat.Agent{ready(looping), reconciled()}, status: verdict.Ready},
		{name: "7: by the deprecated field, where the other is absent", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.ActiveDeploymentReady = pipecat.Absent, pipecat.True })}, status: verdict.Ready},
		{name: "7: except when the other says no", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.ActiveDeploymentReady = pipecat.True })}},
		{name: "7: except for a value of another type", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.ActiveDeploymentReady = pipecat.Odd, pipecat.True })}},
		{name: "7: except when reads do not show it in between", rules: params{ID: "ours", Previous: "old", MinReady: 20 * time.Second},
			docs: []*pipecat.Agent{reconciled(), {DesiredDeploymentID: "old"}, reconciled(), reconciled()}},
		{name: "7: except when the operator goes back in between", rules: params{ID: "ours", Previous: "old", MinReady: 20 * time.Second},
			docs: []*pipecat.Agent{reconciled(), with(func(a *pipecat.Agent) { a.ReconciledDeploymentID = "old" }), reconciled(), reconciled()}},
		{name: "7: failed reads, two in a row", rules: params{ID: "ours", Previous: "old", MinReady: 30 * time.Second}, docs: []*pipecat.Agent{reconciled(), nil, nil, reconciled()}, status: verdict.Ready},
		{name: "7: except three", rules: params{ID: "ours", Previous: "old", MinReady: 40 * time.Second}, docs: []*pipecat.Agent{reconciled(), nil, nil, nil, reconciled()}},
		{name: "7: failed reads, never more than two in a row", rules: params{ID: "ours", Previous: "old", MinReady: 50 * time.Second},
			docs: []*pipecat.Agent{reconciled(), nil, nil, reconciled(), nil, reconciled()}, status: verdict.Ready},
		{name: "7: held for long enough", rules: params{ID: "ours", MinReady: 20 * time.Second}, docs: []*pipecat.Agent{reconciled(), reconciled(), reconciled()}, status: verdict.Ready},
		{name: "7: except when it was lost on the way", rules: params{ID: "ours", MinReady: 20 * time.Second},
			docs: []*pipecat.Agent{reconciled(), with(func(*pipecat.Agent) {}), reconciled(), reconciled()}},

		{name: "8: otherwise it progresses", docs: []*pipecat.Agent{with(func(*pipecat.Agent) {})}},
		{name: "8: in words that are new", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.CurrentRevision.Phase, a.CurrentRevision.Health.Reason, a.CurrentRevision.Health.State = "Warming", "Quantum", "dreaming"
		})}},
		{name: "8: with an infrastructure issue", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.CurrentRevision.HasInfrastructureIssue = true })}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rules.ID == "" {
				tt.rules = rules
			}
			var history History
			var got verdict.Failure
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, doc := range tt.docs {
				if doc == nil {
					history = history.ReadFailed()
					now = now.Add(10 * time.Second)
					continue
				}
				done, f, next := tt.rules.judge(doc, history, now)
				history, got = next, verdict.Failure{Status: statusOf(done, f)}
				if f != nil {
					got = *f
				}
				if i < len(tt.docs)-1 && got.Status != progresses {
					t.Fatalf("document %d has the verdict %+v already", i+1, got)
				}
				now = now.Add(10 * time.Second)
			}
			if got.Status != tt.status || got.Reason != tt.reason {
				t.Errorf("got %q for %q, want %q for %q", got.Status, got.Reason, tt.status, tt.reason)
			}
			if tt.message != "" && judged(&got) != tt.message {
				t.Errorf("got message %q, want %q", judged(&got), tt.message)
			}
		})
	}
}

// FuzzJudge shows documents of any shape: none may make it panic, and none
// that does not say so may make it green.
func FuzzJudge(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"ready":true}`, `{"ready":"yes","desiredDeploymentId":7}`,
		`{"desiredDeploymentId":"ours","reconciledDeploymentId":"ours","ready":true,"available":null,"currentRevision":null}`,
		`{"desiredDeploymentId":"ours","reconciledDeploymentId":"ours","errors":["boom",null,{}],"conditions":[null]}`,
		`{"desiredDeploymentId":"ours","reconciledDeploymentId":"ours","currentRevision":{"deploymentID":"ours","health":{"restartCount":-1,"replicasStarted":-5,"message":"\r\n"}}}`,
		`{"desiredDeploymentId":"ours","reconciledDeploymentId":"ours","currentRevision":{"deploymentID":"ours","phase":"Failed"}}`,
		`{"desiredDeploymentId":"theirs","createdAt":"yesterday"}`,
		`{"desiredDeploymentId":"theirs","reconciledDeploymentId":"ours","ready":true,"deployment":{"id":"theirs","createdAt":"2026-01-01T12:00:00Z"}}`,
	} {
		f.Add(seed, seed)
	}
	rules := params{ID: "ours", Previous: "old", MaxRestarts: 2, CreatedAt: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, first, second string) {
		var history History
		for i, text := range []string{first, second} {
			var doc pipecat.Agent
			_ = json.Unmarshal([]byte(text), &doc)
			done, f, next := rules.judge(&doc, history, time.Unix(int64(i), 0))
			history = next
			status := statusOf(done, f)
			theirs := doc.Desired() != "ours" && doc.Desired() != "old" && doc.Desired() != ""
			older := !doc.DesiredCreatedAt().IsZero() && doc.DesiredCreatedAt().Before(rules.CreatedAt)
			if status == verdict.Ready && !(doc.IsReady() && doc.ReconciledDeploymentID == "ours" && !theirs) {
				t.Errorf("green for %s", text)
			}
			if (status == verdict.Superseded) != (theirs && !older) {
				t.Errorf("%q, with another client's deployment: %v, older: %v, for %s", status, theirs, older, text)
			}
			if f != nil && (!done || f.Status.OK() || f.Reason == "" || strings.TrimSpace(f.Message) == "") {
				t.Errorf("red without a message for %s", text)
			}
		}
	})
}

// TestReasonOnce holds that a failure has the platform's reason once, though its words for
// it may be no others.
func TestReasonOnce(t *testing.T) {
	failing := func(reason, words string) revision.Observation {
		return revision.Observation{Degraded: pipecat.Condition{Reason: reason, Message: words}}
	}
	for _, tt := range []struct {
		f    *verdict.Failure
		want string
		show string
	}{
		{notStarted(&pipecat.Health{Reason: "ImagePullBackOff", Headline: "ImagePullBackOff"}), "the image cannot be pulled", "ImagePullBackOff"},
		{notStarted(&pipecat.Health{Reason: "ImagePullBackOff", Message: "no such image"}), "the image cannot be pulled (ImagePullBackOff)", "no such image"},
		{notStarted(&pipecat.Health{Reason: "CreateContainerError"}), "the container cannot be set up (CreateContainerError)", ""},
		{failedPhase(failing("ImageResolutionFailed", "ImageResolutionFailed"), &pipecat.Health{}), "the current revision failed", "ImageResolutionFailed"},
		{failedPhase(failing("ImageResolutionFailed", "not found"), &pipecat.Health{}), "the current revision failed (ImageResolutionFailed)", "not found"},
	} {
		if tt.f.Message != tt.want || tt.f.Output() != tt.show {
			t.Errorf("got %q, %q; want %q, %q", tt.f.Message, tt.f.Output(), tt.want, tt.show)
		}
	}
}
