package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/settings"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// serving is an agent that serves an image.
func serving(image string, edit ...func(*pipecat.Agent)) *pipecat.Agent {
	a := &pipecat.Agent{Ready: pipecat.True, DesiredDeploymentID: "old", ReconciledDeploymentID: "old", AgentProfile: "agent-1x",
		AutoScaling: &pipecat.Replicas{MinReplicas: ptr(1), MaxReplicas: ptr(10)}, KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}, Deployment: &pipecat.Deployment{ID: "old"}}
	a.Deployment.Manifest.Spec = pipecat.Spec{Image: image, EnvFromSecretNames: []string{"keys"}}
	for _, f := range edit {
		f(a)
	}
	return a
}

// TestReverse holds that what puts a change back is what it changed, as it was,
// and nothing else.
func TestReverse(t *testing.T) {
	min, most := 3, 20
	for _, tt := range []struct {
		name   string
		before *pipecat.Agent
		asked  pipecat.Settings
		want   string // as JSON
		why    string
		hidden string // settings of which it is not shown what they were
	}{
		{"an image", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v2"}, `{"image":"a/b:v1"}`, "", ""},
		{"an image by digest", serving("a/b@sha256:" + strings.Repeat("a", 64)), pipecat.Settings{Image: "a/b:v2"}, `{"image":"a/b@sha256:` + strings.Repeat("a", 64) + `"}`, "", ""},
		{"a build in an image's place", serving("a/b:v1"), pipecat.Settings{BuildID: "b2"}, `{"image":"a/b:v1"}`, "", ""},
		{"all at once", serving("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.ImagePullSecretName = "pull" }),
			pipecat.Settings{Image: "a/b:v2", SecretSet: "more", ImagePullSecretSet: "other", AgentProfile: "agent-2x", MaxSessionDuration: 3600, KrispViva: &pipecat.KrispViva{},
				AutoScaling: &pipecat.AutoScaling{MinAgents: &min, MaxAgents: &most}},
			`{"image":"a/b:v1","imagePullSecretSet":"pull","secretSet":"keys","autoScaling":{"minAgents":1,"maxAgents":10},"krispViva":{"audioFilter":"tel"},"agentProfile":"agent-1x","maxSessionDuration":7200}`, "", ""},
		{"only what changes", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v2", SecretSet: "keys", AgentProfile: "agent-1x", AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(1), MaxAgents: &most}},
			`{"image":"a/b:v1","autoScaling":{"maxAgents":10}}`, "", ""},
		{"a filter that was off", serving("a/b:v1", func(a *pipecat.Agent) { a.KrispViva = &pipecat.KrispViva{} }), pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("pro")}},
			`{"krispViva":{"audioFilter":null}}`, "", ""},
		{"a session limit that was set", serving("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.MaxSessionDurationSeconds = 1800 }), pipecat.Settings{MaxSessionDuration: 3600},
			`{"maxSessionDuration":1800}`, "", ""},
		{"what may be shown one day", serving("a/b:v1", func(a *pipecat.Agent) { a.WebsocketAuth, a.Deployment.Manifest.Spec.DailyNodeType = "none", "x86" }),
			pipecat.Settings{WebsocketAuth: "token", NodeType: "arm"}, `{"nodeType":"x86","websocketAuth":"none"}`, "", ""},
		{"another profile of a build", serving("[redacted]"), pipecat.Settings{AgentProfile: "agent-2x"}, `{"agentProfile":"agent-1x"}`, "", ""},
		{"what is not shown", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v2", WebsocketAuth: "token"}, `{"image":"a/b:v1"}`, "", "websocket-auth"},
		{"the same tag, with another profile", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v1", AgentProfile: "agent-2x"}, `{"agentProfile":"agent-1x"}`, "", ""},

		{"a new agent", nil, pipecat.Settings{Image: "a/b:v2"}, `{}`, "the agent was new", ""},
		{"a build before", serving("[redacted]"), pipecat.Settings{Image: "a/b:v2"}, `{}`, "is from a build, and the platform does not report which one", ""},
		{"a build before, and after", serving("redacted"), pipecat.Settings{BuildID: "b2"}, `{}`, "is from a build, and the platform does not report which one", ""},
		{"an image that is not shown", serving(""), pipecat.Settings{Image: "a/b:v2"}, `{}`, "does not report the previous image", ""},
		{"a deployment that is not shown", serving("", func(a *pipecat.Agent) { a.Deployment = nil }), pipecat.Settings{BuildID: "b2"}, `{}`, "does not report the previous image", ""},
		{"no secret set before", serving("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.EnvFromSecretNames = nil }), pipecat.Settings{Image: "a/b:v2", SecretSet: "keys"}, `{"image":"a/b:v1"}`, "had no secret-set", ""},
		{"no credentials before", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v2", ImagePullSecretSet: "pull"}, `{"image":"a/b:v1"}`, "had no image-credentials", ""},
		{"the same by force", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v1"}, `{}`, "no setting changes", ""},
		{"what was not available", serving("a/b:v1", func(a *pipecat.Agent) { a.Available = pipecat.False }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "old, is not known to have been ready", ""},
		{"what another deployment was", serving("a/b:v1", func(a *pipecat.Agent) { a.Deployment.ID = "older" }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "does not say what the previous deployment, old, was", ""},
		{"several secret sets", serving("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.EnvFromSecretNames = []string{"a", "b"} }), pipecat.Settings{Image: "a/b:v2", SecretSet: "keys"}, `{"image":"a/b:v1"}`, "had several secret sets (a b)", ""},
		{"scaling, by force", serving("a/b:v1"), pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: &min}}, `{"autoScaling":{"minAgents":1}}`, "no setting changes that makes a deployment", ""},
		{"what was not ready", serving("a/b:v1", func(a *pipecat.Agent) { a.Ready = pipecat.False }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "old, is not known to have been ready", ""},
		{"what was not reconciled", serving("a/b:v1", func(a *pipecat.Agent) { a.ReconciledDeploymentID = "older" }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "old, is not known to have been ready", ""},
	} {
		p := planned(t, Request{Agent: "bot", Settings: tt.asked}, Baseline{Agent: tt.before})
		back, err := p.reversal()
		why := ""
		if err != nil {
			why = err.Error()
		}
		got, _ := json.Marshal(back.Settings)
		if string(got) != tt.want || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") || strings.Join(p.notReported(), " ") != tt.hidden && tt.before != nil {
			t.Errorf("%s: got %s, %q, not reported %q", tt.name, got, why, p.notReported())
		}
		if why != "" {
			continue
		}
		if len(back.Changes) == 0 || slices.ContainsFunc(back.Changes, func(c settings.Change) bool { return !c.Asked || !c.Moves || c.After == "" || c.Before == c.After }) {
			t.Errorf("%s: planned as %+v", tt.name, back.Changes)
		}
	}
}

// TestReversed holds what a rollback is shown to do, and what a person who puts the
// version before back by hand is offered: the same.
func TestReversed(t *testing.T) {
	ofBuild := serving("[redacted]", func(a *pipecat.Agent) { a.Deployment.BuildID = "b1" })
	back := func(name, before, after string) settings.Change {
		return settings.Change{Name: name, Before: before, After: after, Asked: true, Moves: true, Artifact: true}
	}
	for _, tt := range []struct {
		name   string
		before *pipecat.Agent
		asked  pipecat.Settings
		want   []settings.Change
	}{
		{"an image and scaling", serving("a/b:v1"), pipecat.Settings{Image: "a/b:v2", AutoScaling: &pipecat.AutoScaling{MaxAgents: ptr(20)}, AgentProfile: "agent-1x", WebsocketAuth: "token"}, []settings.Change{
			back("image", "a/b:v2", "a/b:v1"),
			{Name: "max-agents", Before: "20", After: "10", Asked: true, Moves: true, Scaling: true},
		}},
		{"a build over an image", serving("a/b:v1"), pipecat.Settings{BuildID: "b2"}, []settings.Change{back("image", "", "a/b:v1")}},
		{"an image over a build", ofBuild, pipecat.Settings{Image: "a/b:v2"}, []settings.Change{back("build-id", "", "b1")}},
		{"a build over a build", ofBuild, pipecat.Settings{BuildID: "b2"}, []settings.Change{back("build-id", "b2", "b1")}},
	} {
		p := planned(t, Request{Agent: "bot", Settings: tt.asked}, Baseline{Agent: tt.before})
		back, err := p.Revert(Accepted{ID: "new", Previous: "old", Agent: &pipecat.Agent{DesiredDeploymentID: "new"}}, &verdict.Failure{Reason: verdict.Crash})
		if err != nil || !slices.Equal(back.Changes, tt.want) {
			t.Errorf("%s: got %+v, %v", tt.name, back.Changes, err)
		}
		if got := p.Event().Reversal; !slices.Equal(got, tt.want) {
			t.Errorf("%s: shown as %+v", tt.name, got)
		}
		if names := p.notReported(); slices.Contains(names, "image") || slices.Contains(names, "build-id") {
			t.Errorf("%s: not reported: %v", tt.name, names)
		}
	}
}

// TestRevert holds what is never rolled back.
func TestRevert(t *testing.T) {
	p := planned(t, Request{Agent: "bot", Force: true, Warm: true, Rollback: true, Settings: pipecat.Settings{Image: "a/b:v2"}}, Baseline{Agent: serving("a/b:v1")})
	made := Accepted{ID: "new", Previous: "old", Agent: &pipecat.Agent{DesiredDeploymentID: "new"}}
	ambiguous, unchanged := made, made
	ambiguous.Ambiguous = true
	unchanged.ID = "old"
	for _, tt := range []struct {
		name    string
		p       Plan
		made    Accepted
		failure error
		why     string
	}{
		{"a crash", p, made, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashed"}, ""},
		{"time that is up", p, made, &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.NotReady, Message: "it crashed"}, ""},
		{"a cancellation", p, made, &verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled}, "a job that is stopped puts nothing back"},
		{"a context that is cancelled", p, made, context.Canceled, "a job that is stopped puts nothing back"},
		{"another client's", p, made, &verdict.Failure{Status: verdict.Superseded, Reason: verdict.ReasonSuperseded}, "another client has deployed since"},
		{"perhaps another client's", p, ambiguous, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash}, "deployment new may be another client's with the same settings: the response to the update was lost, or came with a warning"},
		{"nothing new", p, unchanged, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash}, "the update made no deployment"},
		{"an API that is away", p, made, &verdict.Failure{Status: verdict.TimedOut, Reason: verdict.API}, "does not say whether it failed"},
		{"a key that is revoked", p, made, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Auth}, "does not say whether it failed"},
		{"an internal error", p, made, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Internal}, "it is not known whether it failed"},
		{"an error that is no failure", p, made, errors.New("?"), "it is not known whether it failed"},
		{"a new agent", Plan{}, made, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash}, "the agent was new, so there is nothing to go back to"},
	} {
		back, err := tt.p.Revert(tt.made, tt.failure)
		if tt.why == "" {
			if err != nil || back.Request.Agent != "bot" || back.Reverts.ID != "new" || back.previous() != "new" || back.Settings != (pipecat.Settings{Image: "a/b:v1"}) || back.force() || back.MinReplicas != 0 {
				t.Errorf("%s: got %+v, %v", tt.name, back, err)
			}
			if target := back.target(); target.Previous != "new" || target.Original != "old" || target.ID != "" {
				t.Errorf("%s: replaces %+v", tt.name, target)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.why)
		} else if said := err.Error() == tt.p.Event().Irreversible; errors.As(err, new(event.Irreversible)) != said {
			t.Errorf("%s: the plan says so: %t; the error %T", tt.name, said, err)
		}
	}
}

// TestRollback holds that a rollback replaces what it undoes, once, and nothing
// of anyone else.
func TestRollback(t *testing.T) {
	writes, reads, between := simulator.Writes, simulator.Reads, simulator.Between
	oldID := (&simulator.Cloud{}).AddAgent("bot", "us-west", "acme/bot:v1") // ids come in the same order each time
	for _, tt := range []struct {
		name    string
		laggy   time.Duration
		others  time.Duration // when someone else deploys; 0: never
		faults  func(http.Handler) http.Handler
		status  verdict.Status // empty: it is accepted
		message string
		total   int // deployments in the end
	}{
		{name: "no fault", total: 3},
		{name: "a read that lags", laggy: 4 * time.Second, total: 3},
		{name: "a response that is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, writes), false) }, total: 3},
		{name: "responses that are lost, before it is accepted", faults: func(h http.Handler) http.Handler { return simulator.Hang(h, between(1, 2, writes)) }, total: 3},
		{name: "an update that shows late", laggy: 12 * time.Second, faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, writes, false) }, total: 3},
		{name: "a read that lags by two, and shows no age", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 2, reads), 200, nil, `{"name":"bot","desiredDeploymentId":"`+oldID+`"}`)
		}, total: 3},
		{name: "someone else, before", others: time.Nanosecond, status: verdict.Superseded, message: "took over, which is not touched", total: 3},
		{name: "someone else, while it is held off", others: 5 * time.Second, faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 1, writes), 429, http.Header{"Retry-After": {"20"}}, "{}")
		}, status: verdict.Superseded, message: "took over, which is not touched", total: 3},
		{name: "someone else, while a response is lost", others: 5 * time.Second, faults: func(h http.Handler) http.Handler { return simulator.Hang(h, between(1, 1, writes)) },
			status: verdict.Superseded, message: "the rollback got no usable response, and deployment", total: 3},
		{name: "no read", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, reads, 500, nil, "") },
			status: verdict.Failed, message: "the agent cannot be read, so another client may have deployed since", total: 2},
		{name: "reads that lag for long", laggy: time.Hour, status: verdict.Failed, message: "the agent shows deployment", total: 2},
		{name: "a refusal", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, writes, 422, nil, `{"error":"no"}`) },
			status: verdict.Failed, message: "the platform refuses the rollback: 422 Unprocessable Entity: no", total: 2},
		{name: "retries without an end", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, writes, 409, nil, `{}`) },
			status: verdict.TimedOut, message: "the platform did not accept the rollback before wait-timeout was up, so deployment ", total: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: tt.laggy}
				old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				made, err := client(cloud).UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{Image: "acme/bot:v2"}})
				if err != nil {
					t.Fatal(err)
				}
				if tt.laggy < time.Minute {
					time.Sleep(time.Minute) // reads show it
				}
				if tt.others > 0 {
					time.AfterFunc(tt.others, func() {
						_, _ = client(cloud).UpdateAgent(context.Background(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{Image: "acme/bot:theirs"}})
					})
					time.Sleep(time.Millisecond)
				}
				var api http.Handler = cloud
				if tt.faults != nil {
					api = tt.faults(cloud)
				}
				back := Plan{Request: Request{Agent: "bot"}, Baseline: Baseline{Agent: made}, Settings: pipecat.Settings{Image: "acme/bot:v1"}, Expected: pipecat.Settings{Image: "acme/bot:v1"},
					Reverts: &Accepted{ID: made.Desired(), Previous: oldID}}
				restored, err := Apply(t.Context(), client(api), back, time.Now().Add(10*time.Minute), event.Emitter{})
				ids := cloud.Deployments("bot")
				if len(ids) != tt.total {
					t.Errorf("%d deployments, want %d", len(ids), tt.total)
				}
				var f *verdict.Failure
				switch {
				case tt.status == "":
					if err != nil || restored.ID != ids[2] || restored.Unchanged() || restored.Original != oldID || cloud.Manifest("bot", restored.ID) != cloud.Manifest("bot", old) {
						t.Errorf("got %+v, %v", restored, err)
					}
				case !errors.As(err, &f) || f.Status != tt.status || !strings.Contains(f.Message, tt.message):
					t.Errorf("got %+v, want %s, %s", f, tt.status, tt.message)
				}
			})
		})
	}
}

// raw is the document of an agent, as a response shows it now.
func raw(h http.Handler) http.HandlerFunc {
	recorder := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/v1/agents/bot", nil)
	r.Header.Set("Authorization", "Bearer sk_test")
	h.ServeHTTP(recorder, r)
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(recorder.Body.Bytes()) }
}

// TestRollbackReads holds what a rollback makes of responses that show something
// else than the deployment that it is to replace, which change an agent's
// profile alone.
func TestRollbackReads(t *testing.T) {
	back := pipecat.Settings{AgentProfile: "agent-1x"}
	for _, tt := range []struct {
		name    string
		laggy   time.Duration
		write   func(cloud, failed http.Handler) http.Handler // nil: the cloud's own
		from    int                                           // reads that are answered otherwise: the first,
		to      int                                           // the last,
		after   int                                           // and how many writes before them
		read    func(cloud, old http.Handler) http.Handler
		status  verdict.Status // empty: it is accepted
		message string
		total   int // deployments in the end
		sent    int // requests for the rollback
	}{
		{name: "reads that lag for a while", from: 1, to: 5, total: 3, sent: 1},
		{name: "reads that lag once a response was lost", from: 1, to: 1 << 20, after: 1, total: 2, sent: 1,
			write:  func(c, _ http.Handler) http.Handler { return simulator.Answer(c, simulator.Writes, 500, nil, "") },
			status: verdict.Failed, message: "the agent shows deployment"},
		{name: "a response that lags", total: 3, sent: 1, write: func(c, failed http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.ServeHTTP(httptest.NewRecorder(), r)
				failed.ServeHTTP(w, r)
			})
		}},
		{name: "a response that is lost, and an update that shows late", laggy: 25 * time.Second, total: 3, sent: 1,
			write: func(c, _ http.Handler) http.Handler { return simulator.Lossy(c, simulator.Writes, false) }},
		// It is looked for six times, and once before it would be sent again.
		{name: "a request that is accepted right before the next", from: 8, to: 8, after: 1, total: 3, sent: 1,
			write: func(c, _ http.Handler) http.Handler { return simulator.Answer(c, simulator.Writes, 500, nil, "") },
			read: func(c, _ http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = client(c).UpdateAgent(r.Context(), "bot", pipecat.UpdateRequest{Settings: back})
					c.ServeHTTP(w, r)
				})
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: tt.laggy}
				was := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				old := raw(cloud)
				made, err := client(cloud).UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{AgentProfile: "agent-2x"}})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute) // reads show it
				var write, read http.Handler = cloud, old
				if tt.write != nil {
					write = tt.write(cloud, raw(cloud))
				}
				if tt.read != nil {
					read = tt.read(cloud, old)
				}
				sent, seen := 0, 0
				api := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method != http.MethodGet {
						sent++
						write.ServeHTTP(w, r)
						return
					}
					if sent >= tt.after {
						seen++
					}
					if seen >= tt.from && seen <= tt.to {
						read.ServeHTTP(w, r)
						return
					}
					cloud.ServeHTTP(w, r)
				}))
				plan := Plan{Request: Request{Agent: "bot"}, Baseline: Baseline{Agent: made}, Settings: back, Reverts: &Accepted{ID: made.Desired()}}
				restored, err := Apply(t.Context(), api, plan, time.Now().Add(10*time.Minute), event.Emitter{})
				ids := cloud.Deployments("bot")
				if len(ids) != tt.total || sent != tt.sent {
					t.Errorf("%d deployments by %d requests, want %d by %d", len(ids), sent, tt.total, tt.sent)
				}
				var f *verdict.Failure
				switch {
				case tt.status == "":
					if err != nil || restored.Unchanged() || restored.ID != ids[len(ids)-1] || cloud.Manifest("bot", restored.ID) != cloud.Manifest("bot", was) {
						t.Errorf("got %+v, %v", restored, err)
					}
				case !errors.As(err, &f) || f.Status != tt.status || !strings.Contains(f.Message, tt.message):
					t.Errorf("got %+v, want %s, %s", f, tt.status, tt.message)
				}
			})
		})
	}
}

func TestReverted(t *testing.T) {
	p := Plan{Baseline: Baseline{Agent: serving("a/b:v1")}}
	hidden := p
	hidden.Changes = []settings.Change{{Name: "websocket-auth", After: "token", Asked: true, Moves: true}}
	failure := verdict.Failure{Status: verdict.TimedOut, Reason: verdict.NotReady, Message: "it failed", Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: "output"}}, Code: "CODE"}
	back := Accepted{ID: "back", Previous: "new", Agent: serving("a/b:v1")}
	scaled := back
	scaled.Agent = serving("a/b:v1", func(a *pipecat.Agent) { a.AutoScaling = &pipecat.Replicas{MinReplicas: ptr(7)} })
	restored := func(message string) verdict.Failure {
		f := failure
		f.Status, f.Rollback = verdict.RolledBack, &verdict.Rollback{Message: message, Whole: !strings.Contains(message, "except")}
		return f
	}
	failed := func(status verdict.Status, reason verdict.Reason, message string) verdict.Failure {
		f := failure
		f.Rollback = &verdict.Rollback{Message: message, Failure: &verdict.Failure{Status: status, Reason: reason, Message: message}}
		return f
	}
	stopped := func(message string) verdict.Failure {
		f := failure
		f.Status, f.Reason, f.Message = verdict.Cancelled, verdict.ReasonCancelled, message
		return f
	}
	for _, tt := range []struct {
		name     string
		p        Plan
		restored Accepted
		err      error
		want     verdict.Failure
	}{
		{"it serves", p, back, nil, restored("rolled back to the previous version (deployment back)")},
		{"it serves, and is scaled otherwise", p, scaled, nil, restored("rolled back to the previous version (deployment back)")},
		{"it serves, but for what is not shown", hidden, back, nil,
			restored("rolled back to the previous version (deployment back), except websocket-auth, whose previous value the API does not report")},
		{"it fails too", p, Accepted{ID: "back"}, &verdict.Failure{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashes"},
			failed(verdict.Failed, verdict.Crash, "the rollback failed too: it crashes")},
		{"nothing came of it", p, Accepted{ID: "new", Previous: "new", Agent: serving("a/b:v2")}, nil,
			failed(verdict.Failed, verdict.Refused, "the rollback failed too: the platform made no deployment of it")},
		{"another client's", p, Accepted{}, &verdict.Failure{Status: verdict.Superseded, Reason: verdict.ReasonSuperseded, Message: "x took over"},
			failed(verdict.Superseded, verdict.ReasonSuperseded, "it is not rolled back: x took over")},
		{"stopped before it was accepted", p, Accepted{}, &verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"},
			stopped("stopped. It was to undo this: it failed")},
		{"stopped after it", p, Accepted{ID: "back"}, &verdict.Failure{Status: verdict.Cancelled, Reason: verdict.ReasonCancelled, Message: "stopped"},
			stopped("the job was stopped while it rolled back; the rollback, deployment back, continues without it. It was to undo this: it failed")},
		{"stopped after it, without a failure", p, Accepted{ID: "back"}, context.Canceled,
			stopped("the job was stopped while it rolled back; the rollback, deployment back, continues without it. It was to undo this: it failed")},
	} {
		first := failure
		if got := failureOf(tt.p.Reverted(&first, tt.restored, tt.err)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, %+v, want %+v, %+v", tt.name, got, got.Rollback, tt.want, tt.want.Rollback)
		}
		if !reflect.DeepEqual(first, failure) {
			t.Errorf("%s: changes the failure itself to %+v", tt.name, first)
		}
	}
}
