package poll

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

var rules = Rules{Ours: "ours", Previous: "old", MaxRestarts: 2}

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
		rules   Rules
		status  verdict.Status
		reason  verdict.Reason
		message string
	}{
		{name: "1: another deployment is desired", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.DesiredDeploymentID = "theirs" })},
			status: verdict.Superseded, reason: verdict.Replaced, message: "deployment theirs took over from ours, ours"},
		{name: "1: another is, by the deprecated id", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.DesiredDeploymentID, a.ActiveDeploymentID = "", "theirs" })},
			status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: superseded though it is ready", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "theirs"; return a }()},
			status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: except that the previous one is still desired: a read that lags", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.DesiredDeploymentID, a.ReconciledDeploymentID, a.Ready = "old", "old", true
		})}},
		{name: "1: except that it is, though all else speaks of ours", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "old"; return a }()}},
		{name: "1: except that it is older than ours: a read that lags by more", rules: Rules{Ours: "ours", Previous: "old", Made: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon.Add(-time.Second)))}},
		{name: "1: except that a rollback puts it back: a read that lags by more, which tells no age", rules: Rules{Ours: "ours", Previous: "failed", Restores: "old", Made: noon},
			docs: []*pipecat.Agent{with(desired("old", time.Time{}))}, status: progresses},
		{name: "1: it is as old as ours", rules: Rules{Ours: "ours", Previous: "old", Made: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon))}, status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: it is newer", rules: Rules{Ours: "ours", Previous: "old", Made: noon},
			docs: []*pipecat.Agent{with(desired("theirs", noon.Add(time.Second)))}, status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: its age is not told", rules: Rules{Ours: "ours", Previous: "old", Made: noon},
			docs: []*pipecat.Agent{with(desired("theirs", time.Time{}))}, status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: the age of ours is not known", docs: []*pipecat.Agent{with(desired("theirs", noon))}, status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: the age of another is told", rules: Rules{Ours: "ours", Previous: "old", Made: noon}, docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			desired("theirs", noon.Add(-time.Second))(a)
			a.Deployment.ID = "yet another"
		})}, status: verdict.Superseded, reason: verdict.Replaced},
		{name: "1: except that none is named", docs: []*pipecat.Agent{{}}},
		{name: "1: none is named, and ours serves", docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = ""; return a }()}, status: verdict.Ready},
		{name: "1: none is named, of a new agent", rules: Rules{Ours: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = ""; return a }()}, status: verdict.Ready},
		{name: "1: the same deployment is judged again", rules: Rules{Ours: "ours", Previous: "ours"}, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},

		{name: "2: not reconciled, whatever else it says", docs: []*pipecat.Agent{func() *pipecat.Agent {
			a := reconciled()
			a.ReconciledDeploymentID = "old"
			a.Errors = []pipecat.AgentError{{Code: "PCC_IMAGE_NOT_FOUND"}}
			a.CurrentRevision = &pipecat.Revision{DeploymentID: "old", Phase: pipecat.Failed, Health: &pipecat.Health{RestartCount: 99}}
			return a
		}()}},
		{name: "2: nor ever on a new agent", rules: Rules{Ours: "ours"}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.ReconciledDeploymentID = ""; return a }()}},

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
		{name: "4: one when none is forgiven", rules: Rules{Ours: "ours"}, docs: []*pipecat.Agent{health(func(h *pipecat.Health) { h.RestartCount = 1 })},
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

		{name: "5: ready, but not warm", rules: Rules{Ours: "ours", Warm: 2}, docs: []*pipecat.Agent{reconciled()}},
		{name: "5: warm", rules: Rules{Ours: "ours", Warm: 1}, docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "5: ready, and how warm is not told", rules: Rules{Ours: "ours", Warm: 1}, docs: []*pipecat.Agent{func() *pipecat.Agent { a := reconciled(); a.CurrentRevision = nil; return a }()}},
		{name: "5: ready", docs: []*pipecat.Agent{reconciled()}, status: verdict.Ready},
		{name: "5: ready with no replica", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.Ready, a.CurrentRevision.ReadyReplicas, a.CurrentRevision.Health = true, 0, nil
		})}, status: verdict.Ready},
		{name: "5: ready with no revision told", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision = true, nil })}, status: verdict.Ready},
		{name: "5: ready with availability not told", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.Available = true, nil })}, status: verdict.Ready},
		{name: "5: except when it is not available", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.Available = true, ptr(false) })}},
		{name: "5: except when the revision is another's", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision.DeploymentID = true, "old" })}},
		{name: "5: held for long enough", rules: Rules{Ours: "ours", MinReady: 20 * time.Second}, docs: []*pipecat.Agent{reconciled(), reconciled(), reconciled()}, status: verdict.Ready},
		{name: "5: except when it was lost on the way", rules: Rules{Ours: "ours", MinReady: 20 * time.Second},
			docs: []*pipecat.Agent{reconciled(), with(func(*pipecat.Agent) {}), reconciled(), reconciled()}},

		{name: "6: otherwise it progresses", docs: []*pipecat.Agent{with(func(*pipecat.Agent) {})}},
		{name: "6: in words that are new", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) {
			a.CurrentRevision.Phase, a.CurrentRevision.Health.Reason, a.CurrentRevision.Health.State = "Warming", "Quantum", "dreaming"
		})}},
		{name: "6: with an infrastructure issue", docs: []*pipecat.Agent{with(func(a *pipecat.Agent) { a.CurrentRevision.HasInfrastructureIssue = true })}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.rules == (Rules{}) {
				tt.rules = rules
			}
			var memory Memory
			var got verdict.Verdict
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for i, doc := range tt.docs {
				got, memory = Judge(doc, tt.rules, memory, now)
				if i < len(tt.docs)-1 && got.Status != progresses {
					t.Fatalf("look %d came to %+v already", i+1, got)
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

func TestSee(t *testing.T) {
	for _, tt := range []struct {
		name string
		doc  *pipecat.Agent
		want Look
	}{
		{"nothing", &pipecat.Agent{}, Look{Stage: Unreconciled}},
		{"lagging, though all else speaks of ours", func() *pipecat.Agent { a := reconciled(); a.DesiredDeploymentID = "old"; return a }(), Look{Stage: Unseen, Serving: ServesOurs, Server: "ours"}},
		{"ready, with the revision of another", with(func(a *pipecat.Agent) { a.Ready, a.CurrentRevision.DeploymentID = true, "x" }), Look{Stage: NoRevision, Serving: ServesPrevious}},
		{"no phase", with(func(a *pipecat.Agent) { a.CurrentRevision.Phase = "" }), Look{Stage: NoRevision, Serving: ServesPrevious}},
		{"ready, and availability not told", func() *pipecat.Agent { a := reconciled(); a.Available = nil; return a }(), Look{Stage: "Active", Serving: ServesOurs, Server: "ours", Ready: 1, Started: 1}},
		{"lagging", &pipecat.Agent{DesiredDeploymentID: "old"}, Look{Stage: Unseen}},
		{"superseded", &pipecat.Agent{DesiredDeploymentID: "theirs", Available: ptr(true)}, Look{Stage: Superseded}},
		{"not reconciled", &pipecat.Agent{DesiredDeploymentID: "ours", ReconciledDeploymentID: "old", Available: ptr(true), Ready: true,
			CurrentRevision: &pipecat.Revision{DeploymentID: "old", Phase: "Active", ReadyReplicas: 5}},
			Look{Stage: Unreconciled, Serving: ServesPrevious, Server: "old"}},
		{"not reconciled, and the one before does not serve", &pipecat.Agent{DesiredDeploymentID: "ours", ReconciledDeploymentID: "old", Available: ptr(true),
			PreviousRevision: &pipecat.Revision{DeploymentID: "older"}},
			Look{Stage: Unreconciled, Serving: ServesPrevious, Server: "older"}},
		{"no revision, and ready", with(func(a *pipecat.Agent) { a.CurrentRevision, a.Ready = nil, true }), Look{Stage: "ready", Serving: ServesOurs, Server: "ours"}},
		{"fewer than none", with(func(a *pipecat.Agent) { a.CurrentRevision.ReadyReplicas = -3 }), Look{Stage: "Validating", Serving: ServesPrevious, Started: 1}},
		{"no revision", with(func(a *pipecat.Agent) { a.CurrentRevision, a.Available = nil, ptr(false) }), Look{Stage: NoRevision, Serving: ServesNothing}},
		{"an earlier one serves", with(func(a *pipecat.Agent) { a.PreviousRevision = &pipecat.Revision{DeploymentID: "older"} }),
			Look{Stage: "Validating", Serving: ServesPrevious, Server: "older", Ready: 1, Started: 1}},
		{"ready", reconciled(), Look{Stage: "Active", Serving: ServesOurs, Server: "ours", Ready: 1, Started: 1}},
		{"crashing", health(func(h *pipecat.Health) { h.RestartCount, h.Reason = 2, "Error" }),
			Look{Stage: "Validating", Serving: ServesPrevious, Ready: 1, Started: 1, Restarts: 2, Reason: "Error"}},
	} {
		if got := See(tt.doc, rules); got != tt.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
	// Judging again the deployment that is there: what serves beside it is not it.
	again := Rules{Ours: "ours", Previous: "ours"}
	if got := See(with(func(*pipecat.Agent) {}), again); got.Serving != ServesPrevious || got.Server != "" {
		t.Errorf("an unchanged deployment that is not ready does not serve: %+v", got)
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
	rules := Rules{Ours: "ours", Previous: "old", MaxRestarts: 2, Made: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)}
	f.Fuzz(func(t *testing.T, first, second string) {
		var memory Memory
		var v verdict.Verdict
		for i, text := range []string{first, second} {
			var doc pipecat.Agent
			_ = json.Unmarshal([]byte(text), &doc)
			See(&doc, rules)
			v, memory = Judge(&doc, rules, memory, time.Unix(int64(i), 0))
			theirs := doc.Desired() != "ours" && doc.Desired() != "old" && doc.Desired() != ""
			older := !doc.DesiredCreatedAt().IsZero() && doc.DesiredCreatedAt().Before(rules.Made)
			if v.Status == verdict.Ready && !(doc.Ready && doc.ReconciledDeploymentID == "ours" && !theirs) {
				t.Errorf("green for %s", text)
			}
			if (v.Status == verdict.Superseded) != (theirs && !older) {
				t.Errorf("%q, with another's deployment: %v, older: %v, for %s", v.Status, theirs, older, text)
			}
			if v.Status != "" && !v.Status.OK() && (v.Reason == "" || strings.TrimSpace(v.Message) == "") {
				t.Errorf("red without a word for %s", text)
			}
		}
	})
}
