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
}

func (p params) target() revision.Target {
	return revision.Target{ID: p.ID, Previous: p.Previous, Original: p.Original, CreatedAt: p.CreatedAt}
}

func (p params) policy() Policy {
	return Policy{MaxRestarts: p.MaxRestarts, MinReady: p.MinReady, MinReplicas: p.MinReplicas}
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

var rules = params{ID: "ours", Previous: "old", MaxRestarts: 2}

func ptr[T any](v T) *T { return &v }

// reconciled is the document of an agent that serves our deployment.
func reconciled() *pipecat.Agent {
	return &pipecat.Agent{
		Ready: true, Available: ptr(true),
		DesiredDeploymentID: "ours", ReconciledDeploymentID: "ours",
		CurrentRevision: &pipecat.Revision{DeploymentID: "ours", Phase: pipecat.Active, ReadyReplicas: 1,
			Health: &pipecat.Health{Ready: true, State: "running", ReplicasStarted: 1}},
	}
}

// with is that document, changed; it is not ready unless the change says so.
func with(change func(*pipecat.Agent)) *pipecat.Agent {
	a := reconciled()
	a.Ready = false
	a.CurrentRevision.Phase = pipecat.Validating
	a.CurrentRevision.Health.Ready = false
	change(a)
	return a
}

func health(change func(*pipecat.Health)) *pipecat.Agent {
	return with(func(a *pipecat.Agent) { change(a.CurrentRevision.Health) })
}

// desired makes a deployment of another's the desired one.
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
		h.Reason, h.LastTerminationReason, h.LastExitCode, h.RestartCount = "CrashLoopBackOff", "Error", ptr(1), 1
		h.Message = "Traceback:\n  ...\nKeyError: 'API_KEY'\n"
	})
	failedPhase := func(h *pipecat.Health, conditions ...pipecat.Condition) *pipecat.Agent {
		return with(func(a *pipecat.Agent) {
			a.CurrentRevision.Phase, a.CurrentRevision.Health, a.Conditions = pipecat.Failed, h, conditions
		})
	}

	tests := []struct {
		name string
		// docs are seen ten seconds after each other; the verdict is the last
		// one's, and those before it have none.
		docs    []*pipecat.Agent
		rules   params
		status  verdict.Status
		reason  verdict.Reason
		message string
	}{
		{name: "1: another deployment is desired", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.DesiredDeploymentID = "theirs" })},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded, message: "deployment theirs took over from ours, ours"},
		{name: "1: another is, by the deprecated id", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.DesiredDeploymentID, a.ActiveDeploymentID = "", "theirs" })},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: superseded though it is ready", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "theirs"; return a }()},
			status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: except that the previous one is still desired: a read that lags", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.DesiredDeploymentID, a.ReconciledDeploymentID, a.Ready = "old", "old", true
		})}},
		{name: "1: except that it is, though all else speaks of ours", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "old"; return a }()}},
		{name: "1: except that it is older than ours: a read that lags by more", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon.Add(-time.Second)))}},
		{name: "1: except that a rollback puts it back: a read that lags by more, which tells no age", rules: params{ID: "ours", Previous: "failed", Original: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("old", time.Time{}))}, status: progresses},
		{name: "1: it is as old as ours", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: it is newer", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon.Add(time.Second)))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: its age is not told", rules: params{ID: "ours", Previous: "old", CreatedAt: noon},
			docs: []*pipecat.Agent{with(desired("theirs", time.Time{}))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: the age of ours is not known", docs: []*pipecat.Agent{with(desired("theirs", noon))}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: the age of another is told", rules: params{ID: "ours", Previous: "old", CreatedAt: noon}, docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			desired("theirs", noon.Add(-time.Second))(a)
			a.Deployment.ID = "yet another"
		})}, status: verdict.Superseded, reason: verdict.ReasonSuperseded},
		{name: "1: except that none is named", docs: []*pipecat.Agent{{}}},
		{name: "1: none is named, and ours serves", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = ""; return a }()}, status: verdict.Ready},
		{name: "1: none is named, of a new agent", rules: params{ID: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = ""; return a }()}, status: verdict.Ready},
		{name: "1: the same deployment is judged again", rules: params{ID: "ours", Previous: "ours"}, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},

		{name: "2: not reconciled, whatever else it says", docs: []*pipecat.Agent{func() *pipecat.Agent {
			a := reconciled()
			a.ReconciledDeploymentID = "old"
			a.Errors = []pipecat.AgentError{{Code: "PCC_IMAGE_NOT_FOUND"}}
			a.CurrentRevision = &pipecat.Revision{DeploymentID: "old", Phase: pipecat.Failed, Health: &pipecat.Health{RestartCount: 99}}
			return a
		}()}},
		{name: "2: nor ever on a new agent", rules: params{ID: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.ReconciledDeploymentID = ""; return a }()}},

		{name: "3: errors", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.Errors = []pipecat.AgentError{{Code: "PCC_IMAGE_NOT_FOUND", Message: "no such image"}}
		})}, status: verdict.Failed, reason: verdict.ImagePull, message: "the platform cannot run the new revision: PCC_IMAGE_NOT_FOUND: no such image"},
		{name: "3: for another processor", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{Code: "PCC_INVALID_IMAGE_PLATFORM"}} })},
			status: verdict.Failed, reason: verdict.ImagePlatform, message: "the platform cannot run the new revision: PCC_INVALID_IMAGE_PLATFORM"},
		{name: "3: of a code that is new", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{Code: "PCC-1004", Message: "no billing"}} })},
			status: verdict.Failed, reason: verdict.Refused},
		{name: "3: with a message alone", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{}, {Message: "boom"}} })},
			status: verdict.Failed, reason: verdict.Refused, message: "the platform cannot run the new revision: boom"},
		{name: "3: except errors that say nothing", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Errors = []pipecat.AgentError{{}} })}},

		{name: "4: phase Failed, with a Degraded condition", docs: []*pipecat.Agent{failedPhase(nil,
			pipecat.Condition{Type: "Degraded", Status: "True", Reason: "ImageResolutionFailed", Message: "Failed to resolve image tag"})},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the new revision failed (ImageResolutionFailed): Failed to resolve image tag"},
		{name: "4: phase Failed, with health", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{LastExitCode: ptr(2), Message: "bad flag"})},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision crashes (exit code 2): bad flag"},
		{name: "4: phase Failed, in a crash loop", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{Reason: "CrashLoopBackOff"})},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "4: phase Failed, killed for its memory", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{Reason: "OOMKilled"})},
			status: verdict.Failed, reason: verdict.OutOfMemory},
		{name: "4: phase Failed, with an image that cannot be pulled", docs: []*pipecat.Agent{failedPhase(&pipecat.Health{Reason: "ErrImagePull"})},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the image cannot be pulled (ErrImagePull)"},
		{name: "4: phase Failed, without a word", docs: []*pipecat.Agent{failedPhase(nil, pipecat.Condition{Type: "Degraded", Status: "False", Message: "fine"})},
			status: verdict.Failed, reason: verdict.Refused, message: "the new revision failed"},
		{name: "4: except that another's revision failed", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.CurrentRevision.DeploymentID, a.CurrentRevision.Phase = "old", pipecat.Failed
		})}},

		{name: "4: too many restarts", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = 3 })},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision crashes (3 restarts)"},
		{name: "4: too many, though it says ready", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision.Health.RestartCount = true, 3 })},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "4: except as many as are forgiven", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = 2 })}},
		{name: "4: except as many for each replica", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.ReplicasStarted = 6, 3 })}},
		{name: "4: too many for the replicas", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.ReplicasStarted = 7, 3 })},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "4: except that the replicas are a number that cannot be", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.ReplicasStarted = 1 << 62 })}},
		{name: "4: one when none is forgiven", rules: params{ID: "ours"}, docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = 1 })},
			status: verdict.Failed, reason: verdict.Crash},
		{name: "4: a crash loop, twice in a row", docs: []*pipecat.Agent{looping, looping},
			status: verdict.Failed, reason: verdict.Crash, message: "the new revision crashes (exit code 1, 1 restart): KeyError: 'API_KEY'"},
		{name: "4: except once", docs: []*pipecat.Agent{looping}},
		{name: "4: except with a look at no revision in between", docs: []*pipecat.Agent{looping, with(func(a *pipecat.Agent) { a.CurrentRevision = nil }), looping}},
		{name: "4: except with a look in between", docs: []*pipecat.Agent{looping, with(func(*pipecat.Agent) {}), looping}},
		{name: "4: killed for its memory", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.LastTerminationReason = 3, "OOMKilled" })},
			status: verdict.Failed, reason: verdict.OutOfMemory, message: "the new revision runs out of memory (3 restarts)"},
		{name: "4: exit code 137", docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount, h.LastExitCode = 3, ptr(137) })},
			status: verdict.Failed, reason: verdict.OutOfMemory},

		{name: "4: an image that cannot be pulled for 30 seconds", docs: []*pipecat.Agent{pulling("ErrImagePull"), pulling("ImagePullBackOff"), pulling("ErrImagePull"), pulling("ImagePullBackOff")},
			status: verdict.Failed, reason: verdict.ImagePull, message: "the image cannot be pulled (ImagePullBackOff): no such tag"},
		{name: "4: a stale read in between changes nothing", docs: []*pipecat.Agent{pulling("ErrImagePull"), {DesiredDeploymentID: "old", ReconciledDeploymentID: "old"}, pulling("ErrImagePull"), pulling("ErrImagePull")},
			status: verdict.Failed, reason: verdict.ImagePull},
		{name: "4: except for less", docs: []*pipecat.Agent{pulling("ErrImagePull"), pulling("ImagePullBackOff"), pulling("ImagePullBackOff")}},
		{name: "4: except with a break", docs: []*pipecat.Agent{pulling("ErrImagePull"), with(func(*pipecat.Agent) {}), pulling("ErrImagePull"), pulling("ErrImagePull"), pulling("ErrImagePull")}},
		{name: "4: a container that cannot be set up", docs: []*pipecat.Agent{pulling("CreateContainerConfigError"), pulling("CreateContainerConfigError"), pulling("CreateContainerConfigError"), pulling("CreateContainerConfigError")},
			status: verdict.Failed, reason: verdict.Refused},
		{name: "4: an image's name that is none, at once", docs: []*pipecat.Agent{pulling("InvalidImageName")},
			status: verdict.Failed, reason: verdict.ImagePull},

		{name: "5: ready, but not warm", rules: params{ID: "ours", MinReplicas: 2}, docs: []*pipecat.Agent{reconciled()}},
		{name: "5: warm", rules: params{ID: "ours", MinReplicas: 1}, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "5: ready, and how warm is not told", rules: params{ID: "ours", MinReplicas: 1}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.CurrentRevision = nil; return a }()}},
		{name: "5: ready", docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "5: ready with no replica", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.Ready, a.CurrentRevision.ReadyReplicas, a.CurrentRevision.Health = true, 0, nil
		})}, status: verdict.Ready},
		{name: "5: ready with no revision told", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision = true, nil })}, status: verdict.Ready},
		{name: "5: ready with availability not told", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.Available = true, nil })}, status: verdict.Ready},
		{name: "5: except when it is not available", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.Available = true, ptr(false) })}},
		{name: "5: except when the revision is another's", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision.DeploymentID = true, "old" })}},
		{name: "5: held for long enough", rules: params{ID: "ours", MinReady: 20 * time.Second}, docs: []*pipecat.Agent{reconciled(), reconciled(), reconciled()}, status: verdict.Ready},
		{name: "5: except when it was lost on the way", rules: params{ID: "ours", MinReady: 20 * time.Second},
			docs: []*pipecat.Agent{reconciled(), with(func(*pipecat.Agent) {}), reconciled(), reconciled()}},

		{name: "6: otherwise it progresses", docs: []*pipecat.Agent{with(func(*pipecat.Agent) {})}},
		{name: "6: in words that are new", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.CurrentRevision.Phase, a.CurrentRevision.Health.Reason, a.CurrentRevision.Health.State = "Warming", "Quantum", "dreaming"
		})}},
		{name: "6: with an infrastructure issue", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.CurrentRevision.HasInfrastructureIssue = true })}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rules == (params{}) {
				tt.rules = rules
			}
			var history History
			var got verdict.Failure
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, doc := range tt.docs {
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
			if tt.message != "" && got.Message != tt.message {
				t.Errorf("got message %q, want %q", got.Message, tt.message)
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
			if status == verdict.Ready && !(doc.Ready && doc.ReconciledDeploymentID == "ours" && !theirs) {
				t.Errorf("green for %s", text)
			}
			if (status == verdict.Superseded) != (theirs && !older) {
				t.Errorf("%q, with another's deployment: %v, older: %v, for %s", status, theirs, older, text)
			}
			if f != nil && (!done || f.Status.OK() || f.Reason == "" || strings.TrimSpace(f.Message) == "") {
				t.Errorf("red without a word for %s", text)
			}
		}
	})
}
