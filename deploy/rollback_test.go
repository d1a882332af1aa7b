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

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// baseline is an agent that serves an image.
func baseline(image string, edit ...func(*pipecat.Agent)) *pipecat.Agent {
	a := &pipecat.Agent{Ready: true, DesiredDeploymentID: "old", ReconciledDeploymentID: "old", AgentProfile: "agent-1x",
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
		untold string
	}{
		{"an image", baseline("a/b:v1"), pipecat.Settings{Image: "a/b:v2"}, `{"image":"a/b:v1"}`, "", ""},
		{"an image by digest", baseline("a/b@sha256:" + strings.Repeat("a", 64)), pipecat.Settings{Image: "a/b:v2"}, `{"image":"a/b@sha256:` + strings.Repeat("a", 64) + `"}`, "", ""},
		{"a build in an image's place", baseline("a/b:v1"), pipecat.Settings{BuildID: "b2"}, `{"image":"a/b:v1"}`, "", ""},
		{"all at once", baseline("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.ImagePullSecretName = "pull" }),
			pipecat.Settings{Image: "a/b:v2", SecretSet: "more", ImagePullSecretSet: "other", AgentProfile: "agent-2x", MaxSessionDuration: 3600, KrispViva: &pipecat.KrispViva{},
				AutoScaling: &pipecat.AutoScaling{MinAgents: &min, MaxAgents: &most}},
			`{"image":"a/b:v1","imagePullSecretSet":"pull","secretSet":"keys","autoScaling":{"minAgents":1,"maxAgents":10},"krispViva":{"audioFilter":"tel"},"agentProfile":"agent-1x","maxSessionDuration":7200}`, "", ""},
		{"only what changes", baseline("a/b:v1"), pipecat.Settings{Image: "a/b:v2", SecretSet: "keys", AgentProfile: "agent-1x", AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(1), MaxAgents: &most}},
			`{"image":"a/b:v1","autoScaling":{"maxAgents":10}}`, "", ""},
		{"a filter that was off", baseline("a/b:v1", func(a *pipecat.Agent) { a.KrispViva = &pipecat.KrispViva{} }), pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("pro")}},
			`{"krispViva":{"audioFilter":null}}`, "", ""},
		{"a session limit that was set", baseline("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.MaxSessionDurationSeconds = 1800 }), pipecat.Settings{MaxSessionDuration: 3600},
			`{"maxSessionDuration":1800}`, "", ""},
		{"what may be told one day", baseline("a/b:v1", func(a *pipecat.Agent) { a.WebsocketAuth, a.Deployment.Manifest.Spec.DailyNodeType = "none", "x86" }),
			pipecat.Settings{WebsocketAuth: "token", NodeType: "arm"}, `{"nodeType":"x86","websocketAuth":"none"}`, "", ""},
		{"another profile of a build", baseline("[redacted]"), pipecat.Settings{AgentProfile: "agent-2x"}, `{"agentProfile":"agent-1x"}`, "", ""},
		{"what is not told", baseline("a/b:v1"), pipecat.Settings{Image: "a/b:v2", WebsocketAuth: "token"}, `{"image":"a/b:v1"}`, "", "websocket-auth"},
		{"the same tag, with another profile", baseline("a/b:v1"), pipecat.Settings{Image: "a/b:v1", AgentProfile: "agent-2x"}, `{"agentProfile":"agent-1x"}`, "", ""},

		{"a new agent", nil, pipecat.Settings{Image: "a/b:v2"}, `{}`, "the agent was new", ""},
		{"a build before", baseline("[redacted]"), pipecat.Settings{Image: "a/b:v2"}, `{}`, "is of a build, and the platform does not tell which", ""},
		{"a build before, and after", baseline("redacted"), pipecat.Settings{BuildID: "b2"}, `{}`, "is of a build, and the platform does not tell which", ""},
		{"an image that is not told", baseline(""), pipecat.Settings{Image: "a/b:v2"}, `{}`, "does not tell which image ran before", "image"},
		{"a deployment that is not told", baseline("", func(a *pipecat.Agent) { a.Deployment = nil }), pipecat.Settings{BuildID: "b2"}, `{}`, "does not tell which image ran before", ""},
		{"no secret set before", baseline("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.EnvFromSecretNames = nil }), pipecat.Settings{Image: "a/b:v2", SecretSet: "keys"}, `{"image":"a/b:v1"}`, "had no secret-set", ""},
		{"no credentials before", baseline("a/b:v1"), pipecat.Settings{Image: "a/b:v2", ImagePullSecretSet: "pull"}, `{"image":"a/b:v1"}`, "had no image-credentials", ""},
		{"the same by force", baseline("a/b:v1"), pipecat.Settings{Image: "a/b:v1"}, `{}`, "no setting changes", ""},
		{"what was not available", baseline("a/b:v1", func(a *pipecat.Agent) { a.Available = ptr(false) }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "old, is not known to have been ready", ""},
		{"what another deployment was", baseline("a/b:v1", func(a *pipecat.Agent) { a.Deployment.ID = "older" }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "does not tell what the deployment before it, old, was", ""},
		{"several secret sets", baseline("a/b:v1", func(a *pipecat.Agent) { a.Deployment.Manifest.Spec.EnvFromSecretNames = []string{"a", "b"} }), pipecat.Settings{Image: "a/b:v2", SecretSet: "keys"}, `{"image":"a/b:v1"}`, "had several secret sets (a b)", ""},
		{"scaling, by force", baseline("a/b:v1"), pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: &min}}, `{"autoScaling":{"minAgents":1}}`, "no setting changes that makes a deployment", ""},
		{"what was not ready", baseline("a/b:v1", func(a *pipecat.Agent) { a.Ready = false }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "old, is not known to have been ready", ""},
		{"what was not reconciled", baseline("a/b:v1", func(a *pipecat.Agent) { a.ReconciledDeploymentID = "older" }), pipecat.Settings{Image: "a/b:v2"}, `{}`, "old, is not known to have been ready", ""},
	} {
		c := Change{Before: tt.before, Settings: tt.asked, Artefact: Artefact{Image: tt.asked.Image}}
		if tt.asked.BuildID != "" {
			c.Artefact.Build = &pipecat.Build{ID: tt.asked.BuildID}
		}
		c.Plan = plan(config.Config{}, c)
		s, plan, err := c.Reverse()
		why := ""
		if err != nil {
			why = err.Error()
		}
		got, _ := json.Marshal(s)
		if string(got) != tt.want || !strings.Contains(why, tt.why) || (why == "") != (tt.why == "") || strings.Join(c.Untold(), " ") != tt.untold && tt.before != nil {
			t.Errorf("%s: got %s, %q, untold %q", tt.name, got, why, c.Untold())
		}
		if why == "" && slices.ContainsFunc(plan, func(s Setting) bool { return !s.Changes() || s.From != "rollback" }) {
			t.Errorf("%s: planned as %+v", tt.name, plan)
		}
	}
}

// TestUndo holds what is never rolled back.
func TestUndo(t *testing.T) {
	c := Change{Name: "bot", Before: baseline("a/b:v1"), Settings: pipecat.Settings{Image: "a/b:v2"}, Artefact: Artefact{Image: "a/b:v2"}}
	c.Plan = plan(config.Config{}, c)
	made := Taken{ID: "new", Previous: "old", Agent: &pipecat.Agent{DesiredDeploymentID: "new"}}
	doubtful, unchanged := made, made
	doubtful.Doubtful = true
	unchanged.ID = "old"
	for _, tt := range []struct {
		name string
		c    Change
		made Taken
		v    verdict.Verdict
		why  string
	}{
		{"a crash", c, made, verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash}, ""},
		{"time that is up", c, made, verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.NotReady}, ""},
		{"a cancellation", c, made, verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped}, "a job that is stopped"},
		{"another's", c, made, verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced}, "another's deployment"},
		{"perhaps another's", c, doubtful, verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash}, "new may be another's"},
		{"nothing new", c, unchanged, verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash}, "made no deployment"},
		{"an API that is away", c, made, verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.API}, "does not tell whether it failed"},
		{"a key that is taken back", c, made, verdict.Verdict{Status: verdict.Failed, Reason: verdict.Auth}, "does not tell whether it failed"},
		{"a new agent", Change{}, made, verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash}, "was new"},
	} {
		undo, err := Undo(tt.c, tt.made, tt.v)
		if tt.why == "" {
			if err != nil || undo.Undoes != "new" || undo.Previous() != "new" || undo.Settings.Image != "a/b:v1" || undo.Force {
				t.Errorf("%s: got %+v, %v", tt.name, undo, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.why)
		}
	}
}

// TestOfBuild holds that only an image which is told may be a build's.
func TestOfBuild(t *testing.T) {
	for image, want := range map[string]bool{"[redacted]": true, "redacted": true, "": false, "a/b:v1": false, "a/b@sha256:" + strings.Repeat("a", 64): false} {
		if got := (Change{Before: baseline(image)}).OfBuild(); got != want {
			t.Errorf("%q: got %t", image, got)
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
		status  verdict.Status // empty: it is taken
		message string
		total   int // deployments in the end
	}{
		{name: "no fault", total: 3},
		{name: "a read that lags", laggy: 4 * time.Second, total: 3},
		{name: "an answer that is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, writes), false) }, total: 3},
		{name: "answers that are lost, before it is taken", faults: func(h http.Handler) http.Handler { return simulator.Hang(h, between(1, 2, writes)) }, total: 3},
		{name: "an update that shows late", laggy: 12 * time.Second, faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, writes, false) }, total: 3},
		{name: "a read that lags by two, and tells no age", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 2, reads), 200, nil, `{"name":"bot","desiredDeploymentId":"`+oldID+`"}`)
		}, total: 3},
		{name: "someone else, before", others: time.Nanosecond, status: verdict.Superseded, message: "took over, which is not touched", total: 3},
		{name: "someone else, while it is held off", others: 5 * time.Second, faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 1, writes), 429, http.Header{"Retry-After": {"20"}}, "{}")
		}, status: verdict.Superseded, message: "took over, which is not touched", total: 3},
		{name: "someone else, while an answer is lost", others: 5 * time.Second, faults: func(h http.Handler) http.Handler { return simulator.Hang(h, between(1, 1, writes)) },
			status: verdict.Superseded, message: "the rollback got no clear answer, and meanwhile deployment", total: 3},
		{name: "no read", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, reads, 500, nil, "") },
			status: verdict.Failed, message: "the agent cannot be read, and may be another's by now", total: 2},
		{name: "reads that lag for long", laggy: time.Hour, status: verdict.Failed, message: "the agent is shown with deployment", total: 2},
		{name: "a refusal", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, writes, 422, nil, `{"error":"no"}`) },
			status: verdict.Failed, message: "the platform refuses the rollback: 422 Unprocessable Entity: no", total: 2},
		{name: "patience without an end", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, writes, 409, nil, `{}`) },
			status: verdict.TimedOut, message: "the platform did not take the rollback before wait-timeout was up, so deployment ", total: 2},
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
				undo := Change{Name: "bot", Before: made, Undoes: made.Desired(), Restores: oldID, Settings: pipecat.Settings{Image: "acme/bot:v1"}}
				taken, err := Apply(t.Context(), client(api), undo, time.Now().Add(10*time.Minute), func(Event) {})
				ids := cloud.Deployments("bot")
				if len(ids) != tt.total {
					t.Errorf("%d deployments, want %d", len(ids), tt.total)
				}
				var v *verdict.Verdict
				switch {
				case tt.status == "":
					if err != nil || taken.ID != ids[2] || taken.Unchanged() || cloud.Manifest("bot", taken.ID) != cloud.Manifest("bot", old) {
						t.Errorf("got %+v, %v", taken, err)
					}
				case !errors.As(err, &v) || v.Status != tt.status || !strings.Contains(v.Message, tt.message):
					t.Errorf("got %+v, want %s, %s", v, tt.status, tt.message)
				}
			})
		})
	}
}

// raw is the document of an agent, as an answer shows it now.
func raw(h http.Handler) http.HandlerFunc {
	recorder := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/v1/agents/bot", nil)
	r.Header.Set("Authorization", "Bearer sk_test")
	h.ServeHTTP(recorder, r)
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(recorder.Body.Bytes()) }
}

// TestRollbackReads holds what a rollback makes of answers that show something
// else than the deployment that it is to replace, which change an agent's
// profile alone.
func TestRollbackReads(t *testing.T) {
	back := pipecat.Settings{AgentProfile: "agent-1x"}
	for _, tt := range []struct {
		name    string
		laggy   time.Duration
		write   func(cloud, undone http.Handler) http.Handler // nil: the cloud's own
		from    int                                           // reads that are answered otherwise: the first,
		to      int                                           // the last,
		after   int                                           // and how many writes before them
		read    func(cloud, old http.Handler) http.Handler
		status  verdict.Status // empty: it is taken
		message string
		total   int // deployments in the end
		sent    int // requests for the rollback
	}{
		{name: "reads that lag for a while", from: 1, to: 5, total: 3, sent: 1},
		{name: "reads that lag once an answer was lost", from: 1, to: 1 << 20, after: 1, total: 2, sent: 1,
			write:  func(c, _ http.Handler) http.Handler { return simulator.Answer(c, simulator.Writes, 500, nil, "") },
			status: verdict.Failed, message: "the agent is shown with deployment"},
		{name: "an answer that lags", total: 3, sent: 1, write: func(c, undone http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c.ServeHTTP(httptest.NewRecorder(), r)
				undone.ServeHTTP(w, r)
			})
		}},
		{name: "an answer that is lost, and an update that shows late", laggy: 25 * time.Second, total: 3, sent: 1,
			write: func(c, _ http.Handler) http.Handler { return simulator.Lossy(c, simulator.Writes, false) }},
		// It is looked for six times, and once before it would be sent again.
		{name: "a request that is taken right before the next", from: 8, to: 8, after: 1, total: 3, sent: 1,
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
				undo := Change{Name: "bot", Before: made, Undoes: made.Desired(), Settings: back}
				taken, err := Apply(t.Context(), api, undo, time.Now().Add(10*time.Minute), func(Event) {})
				ids := cloud.Deployments("bot")
				if len(ids) != tt.total || sent != tt.sent {
					t.Errorf("%d deployments by %d requests, want %d by %d", len(ids), sent, tt.total, tt.sent)
				}
				var v *verdict.Verdict
				switch {
				case tt.status == "":
					if err != nil || taken.Unchanged() || taken.ID != ids[len(ids)-1] || cloud.Manifest("bot", taken.ID) != cloud.Manifest("bot", was) {
						t.Errorf("got %+v, %v", taken, err)
					}
				case !errors.As(err, &v) || v.Status != tt.status || !strings.Contains(v.Message, tt.message):
					t.Errorf("got %+v, want %s, %s", v, tt.status, tt.message)
				}
			})
		})
	}
}

func TestRolledBack(t *testing.T) {
	c := Change{Before: baseline("a/b:v1")}
	untold := Change{Before: c.Before, Plan: []Setting{{Name: "websocket-auth", After: "token", From: "input"}}}
	failure := verdict.Verdict{Status: verdict.TimedOut, Reason: verdict.NotReady, Message: "it failed"}
	with := func(status verdict.Status, came verdict.Status, reason verdict.Reason, message string) verdict.Verdict {
		v := failure
		v.Status, v.Rollback = status, &verdict.Verdict{Status: came, Reason: reason, Message: message}
		return v
	}
	for _, tt := range []struct {
		name string
		c    Change
		back Taken
		came verdict.Verdict
		want verdict.Verdict
	}{
		{"it serves, with another's image", c, Taken{ID: "back", Agent: baseline("a/b:theirs")}, verdict.Verdict{Status: verdict.Ready},
			with(verdict.TimedOut, verdict.Superseded, verdict.Replaced, `the rollback, deployment back, serves, but is not what ran before, for someone else deployed meanwhile: its image is "a/b:theirs"`)},
		{"it serves", c, Taken{ID: "back", Agent: baseline("a/b:v1")}, verdict.Verdict{Status: verdict.Ready},
			with(verdict.RolledBack, verdict.Ready, "", "what ran before is back, as deployment back")},
		{"it serves, but for what is not told", untold, Taken{ID: "back", Agent: baseline("a/b:v1")}, verdict.Verdict{Status: verdict.Ready},
			with(verdict.RolledBack, verdict.Ready, "", "what ran before is back, as deployment back, but for websocket-auth, of which the platform does not tell what it was")},
		{"it fails too", c, Taken{ID: "back"}, verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashes"},
			with(verdict.TimedOut, verdict.Failed, verdict.Crash, "the rollback failed too: it crashes")},
		{"nothing came of it", c, Taken{ID: "new"}, verdict.Verdict{Status: verdict.Unchanged},
			with(verdict.TimedOut, verdict.Unchanged, "", "the rollback failed too: the platform made no deployment of it")},
		{"another's", c, Taken{}, verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced, Message: "x took over"},
			with(verdict.TimedOut, verdict.Superseded, verdict.Replaced, "it is not rolled back: x took over")},
		{"stopped before it was taken", c, Taken{}, verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped, Message: "stopped"},
			verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped, Message: "stopped. It was to undo this: it failed"}},
		{"stopped after it", c, Taken{ID: "back"}, verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped, Message: "stopped"},
			verdict.Verdict{Status: verdict.Cancelled, Reason: verdict.Stopped, Message: "the job was stopped while it rolled back; the rollback, deployment back, goes on without it. It was to undo this: it failed"}},
	} {
		if got := RolledBack(tt.c, failure, tt.back, tt.came); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
