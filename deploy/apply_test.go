package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// updating is the plan of an update of the agent bot to v2, of which the
// deployment before is known by its id alone.
func updating(t *testing.T, previous string, force bool) Plan {
	t.Helper()
	return planned(t, Request{Agent: "bot", Force: force, Settings: pipecat.Settings{Image: "acme/bot:v2"}}, Baseline{Agent: &pipecat.Agent{DesiredDeploymentID: previous}})
}

// TestApply loses responses in every way, with and without force-redeploy: one
// request never makes two deployments, and whose deployment is reported is ours.
func TestApply(t *testing.T) {
	writes, reads := simulator.Writes, simulator.Reads
	theirs := func(cloud *simulator.Cloud) http.Handler { // another deployment lands, and the response is lost
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				other := client(cloud)
				_, _ = other.UpdateAgent(r.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{Image: "acme/bot:theirs"}})
				panic(http.ErrAbortHandler)
			}
			cloud.ServeHTTP(w, r)
		})
	}
	for _, tt := range []struct {
		name   string
		faults func(*simulator.Cloud) http.Handler
		laggy  time.Duration
		status verdict.Status // empty: accepted
		reason verdict.Reason
		total  int // deployments that there are in the end, for an update
	}{
		{name: "no fault", faults: func(c *simulator.Cloud) http.Handler { return c }, total: 2},
		{name: "lost once", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Lossy(c, simulator.Between(1, 1, writes), false)
		}, total: 2},
		{name: "lost for ever", faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, total: 2},
		{name: "half a response", faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, true) }, total: 2},
		{name: "lost, and seen late", laggy: 5 * time.Second, faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, total: 2},
		{name: "lost, and seen very late", laggy: 20 * time.Second, faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, total: 2},
		{name: "500 that did not accept it", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, simulator.Between(1, 3, writes), 500, nil, "{}")
		}, total: 2},
		{name: "500 for ever", faults: func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 500, nil, "{}") },
			status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "200 that is no agent", faults: func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 200, nil, "{}") },
			status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "200 that names no deployment", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 200, nil, `{"name":"bot"}`)
		}, status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "lost, refused, and seen only then", laggy: 40 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, simulator.Between(1, 1, writes), false), simulator.Between(2, 2, writes), 422, nil, "{}")
		}, total: 2},
		{name: "408", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, simulator.Between(1, 1, writes), 408, nil, "{}")
		}, total: 2},
		{name: "503 with Retry-After", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, simulator.Between(1, 1, writes), 503, http.Header{"Retry-After": {"60"}}, "{}")
		}, total: 2},
		{name: "hangs for ever", faults: func(c *simulator.Cloud) http.Handler { return simulator.Hang(c, writes) },
			status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "409 for ever", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 409, nil, `{"error":"not yet ready"}`)
		}, status: verdict.TimedOut, reason: verdict.Refused, total: 1},
		{name: "lost, and nothing can be read", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Hang(simulator.Lossy(c, writes, false), reads)
		}, status: verdict.TimedOut, reason: verdict.API, total: 2},
		{name: "lost, and nothing can be read for a while", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, writes, false), simulator.Between(1, 20, reads), 503, nil, "")
		}, total: 2},
		{name: "lost, and the key is revoked", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, writes, false), reads, 401, nil, "")
		}, status: verdict.Failed, reason: verdict.API, total: 2},
		{name: "lost, then throttled", laggy: 12 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, simulator.Between(1, 1, writes), false), simulator.Between(2, 2, writes), 429, http.Header{"Retry-After": {"30"}}, "{}")
		}, total: 2},
		{name: "lost, seen after two minutes, and throttled", laggy: 70 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, simulator.Between(1, 1, writes), false), simulator.Between(2, 2, writes), 429, http.Header{"Retry-After": {"60"}}, "{}")
		}, total: 2},
		{name: "lost, and seen first as nothing", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, writes, false), simulator.Between(1, 1, reads), 200, nil, `{"name":"bot"}`)
		}, total: 2},
		{name: "lost, and a read whose Retry-After is too long", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, writes, false), simulator.Between(1, 6, reads), 503, http.Header{"Retry-After": {"3600"}}, "")
		}, total: 2},
		{name: "lost, seen late, and then clear", laggy: 16 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Lossy(c, simulator.Between(1, 1, writes), false)
		}, total: 2},
		{name: "lost, then refused", laggy: 12 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, simulator.Between(1, 1, writes), false), simulator.Between(2, 2, writes), 422, nil, "{}")
		}, total: 2},
		{name: "503 whose Retry-After is too long", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 503, http.Header{"Retry-After": {"3600"}}, "{}")
		}, status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "a redirect", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 307, http.Header{"Location": {"https://elsewhere"}}, "")
		}, status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "403", faults: func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 403, nil, "{}") },
			status: verdict.Failed, reason: verdict.Auth, total: 1},
		{name: "422", faults: func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 422, nil, "{}") },
			status: verdict.Failed, reason: verdict.Refused, total: 1},
		{name: "another client's lands during the update", faults: theirs, status: verdict.Superseded, reason: verdict.ReasonSuperseded, total: 2},
	} {
		for _, force := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &simulator.Cloud{ReadLag: tt.laggy}
					old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
					accepted, err := Apply(t.Context(), client(tt.faults(cloud)), updating(t, old, force), time.Now().Add(10*time.Minute), event.Emitter{})
					ids := cloud.Deployments("bot")
					if len(ids) != tt.total {
						t.Errorf("%d deployments, want %d", len(ids), tt.total)
					}
					check(t, accepted, err, tt.status, tt.reason, ids)
				})
			})
		}
		if tt.status == verdict.Superseded {
			continue // needs an agent that is there
		}
		t.Run(tt.name+", of a creation", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: tt.laggy}
				plan := planned(t, Request{Agent: "bot", Create: true, Force: true, Settings: pipecat.Settings{Image: "acme/bot:v2"}}, Baseline{At: time.Now()})
				accepted, err := Apply(t.Context(), client(tt.faults(cloud)), plan, time.Now().Add(10*time.Minute), event.Emitter{})
				ids := cloud.Deployments("bot")
				if len(ids) != tt.total-1 {
					t.Errorf("%d deployments, want %d", len(ids), tt.total-1)
				}
				check(t, accepted, err, tt.status, tt.reason, ids)
			})
		})
	}
}

func check(t *testing.T, accepted Accepted, err error, status verdict.Status, reason verdict.Reason, ids []string) {
	t.Helper()
	if status == "" {
		if err != nil || accepted.ID != ids[len(ids)-1] || accepted.Unchanged() {
			t.Errorf("got %+v, %v; want the newest of %q", accepted, err, ids)
		}
		return
	}
	var f *verdict.Failure
	if !errors.As(err, &f) || f.Status != status || f.Reason != reason {
		t.Errorf("got %v as %+v, want %q for %q", err, f, status, reason)
	}
}

// TestAmong holds what becomes of an update when others deploy at the same time, and
// reads show it late: another client's deployment is never mistaken for ours, and one
// that is older than ours does not end the job.
func TestAmong(t *testing.T) {
	theirs := pipecat.Settings{Image: "acme/bot:theirs"}
	for _, tt := range []struct {
		name         string
		before       time.Duration // from another client's update to ours; 0: there is none
		after        time.Duration // from ours to another client's; 0: there is none
		lost         bool          // our response
		laggy        time.Duration
		force, plain bool // an update with force-redeploy alone
		status       verdict.Status
	}{
		{name: "theirs before ours", before: time.Second},
		{name: "theirs before ours, and lost", before: time.Second, lost: true},
		{name: "theirs before ours, lost and seen late", before: time.Second, lost: true, laggy: 3 * time.Second},
		{name: "theirs after ours, and lost", after: 500 * time.Millisecond, lost: true, laggy: 1500 * time.Millisecond, status: verdict.Superseded},
		{name: "theirs long after ours, and lost", after: 4 * time.Second, lost: true},
		{name: "theirs older than what was read", before: 2 * time.Second, lost: true, laggy: 3 * time.Second, force: true, plain: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: tt.laggy}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				request := Request{Agent: "bot", Force: tt.force, Settings: pipecat.Settings{Image: "acme/bot:v2"}}
				if tt.plain {
					request.Settings = pipecat.Settings{}
				}
				other := client(cloud)
				before, err := other.Agent(t.Context(), "bot")
				if err != nil {
					t.Fatal(err)
				}
				if tt.before > 0 {
					response, err := other.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: theirs})
					if err != nil {
						t.Fatal(err)
					}
					if tt.plain { // it was read after theirs, and a read may go back behind it
						before = response
					}
					time.Sleep(tt.before)
				}
				if tt.after > 0 {
					time.AfterFunc(tt.after, func() {
						_, _ = other.UpdateAgent(context.WithoutCancel(t.Context()), "bot", pipecat.UpdateRequest{Settings: theirs})
					})
				}
				var h http.Handler = cloud
				if tt.lost {
					h = simulator.Lossy(h, simulator.Between(1, 1, simulator.Writes), false)
				}
				deployed := len(cloud.Deployments("bot"))
				plan := planned(t, request, Baseline{Agent: before})
				accepted, err := Apply(t.Context(), client(h), plan, time.Now().Add(10*time.Minute), event.Emitter{})
				if f := failureOf(err); f.Status != tt.status {
					t.Fatalf("got %+v, %+v; want %q", accepted, f, tt.status)
				}
				if ids := cloud.Deployments("bot"); err == nil && accepted.ID != ids[deployed] {
					t.Errorf("accepted as %s of %q, want number %d", accepted.ID, ids, deployed+1)
				}
			})
		})
	}
}

// TestStaleResponse holds that a response which shows the deployment before is no
// proof that there is no other, and none that what was asked for is there.
func TestStaleResponse(t *testing.T) {
	for _, tt := range []struct {
		name     string
		accepted bool // by the platform
		force    bool
		asked    pipecat.Settings
		same     bool // the deployment is the one before
		unread   bool // no other one is looked for
		looked   bool // one is looked for, and nothing is said of that
		status   verdict.Status
		reason   verdict.Reason
	}{
		{name: "it was accepted", accepted: true, asked: pipecat.Settings{Image: "acme/bot:v2"}},
		{name: "it was accepted, and is forced", accepted: true, force: true, asked: pipecat.Settings{Image: "acme/bot:v1"}},
		{name: "it was accepted, of a build", accepted: true, asked: pipecat.Settings{BuildID: "id"}},
		{name: "it was accepted, of a profile", accepted: true, asked: pipecat.Settings{AgentProfile: "agent-2x"}},
		{name: "it was accepted, of a secret set", accepted: true, asked: pipecat.Settings{SecretSet: "keys"}},
		{name: "it was accepted, of a profile with the image that there is", accepted: true, asked: pipecat.Settings{Image: "acme/bot:v1", AgentProfile: "agent-2x"}},
		{name: "it was not, of a build", asked: pipecat.Settings{BuildID: "id"}, status: verdict.Failed, reason: verdict.API},
		{name: "it was not", asked: pipecat.Settings{Image: "acme/bot:v2"}, status: verdict.Failed, reason: verdict.API},
		{name: "it was not, of a profile", asked: pipecat.Settings{AgentProfile: "agent-2x"}, status: verdict.Failed, reason: verdict.API},
		{name: "it was not, of a session limit", asked: pipecat.Settings{MaxSessionDuration: 60}, status: verdict.Failed, reason: verdict.API},
		{name: "it was not, of a profile with the image that there is", asked: pipecat.Settings{Image: "acme/bot:v1", AgentProfile: "agent-2x"}, status: verdict.Failed, reason: verdict.API},
		{name: "it was not, and is forced", force: true, asked: pipecat.Settings{Image: "acme/bot:v1"}, same: true, status: verdict.Failed, reason: verdict.API},
		{name: "there is nothing to accept", accepted: true, asked: pipecat.Settings{Image: "docker.io/acme/bot:v1"}, same: true, unread: true},
		{name: "there is nothing to accept of a profile", accepted: true, asked: pipecat.Settings{AgentProfile: "agent-1x"}, same: true, unread: true},
		// Of these the response says nothing.
		{name: "scaling", accepted: true, asked: pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(5)}}, same: true, unread: true},
		// Nor of this, which is a change: reads may show it.
		{name: "what is not shown", accepted: true, asked: pipecat.Settings{WebsocketAuth: "token"}, same: true, looked: true},
		// An image in another repository is another image, here as everywhere.
		{name: "it is kept under another name", accepted: true, asked: pipecat.Settings{Image: "mirror.example/acme/bot:v1"}, same: true, status: verdict.Failed, reason: verdict.API},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				before, err := client(cloud).Agent(t.Context(), "bot")
				if err != nil {
					t.Fatal(err)
				}
				reads := 0
				stale := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						reads++
						cloud.ServeHTTP(w, r)
						return
					}
					if tt.accepted && !tt.same {
						cloud.ServeHTTP(httptest.NewRecorder(), r)
					}
					_ = json.NewEncoder(w).Encode(map[string]any{"desiredDeploymentId": old, "agentProfile": "agent-1x", "autoScaling": map[string]any{"minReplicas": 1, "maxReplicas": 10},
						"deployment": map[string]any{"id": old, "manifest": map[string]any{"spec": map[string]any{"image": "acme/bot:v1", "autoScaling": map[string]any{"minReplicas": 1}}}}})
				})
				cloud.AddBuild(simulator.Build{ID: "id"})
				cloud.AddSecretSet(simulator.SecretSet{Name: "keys"})
				plan := planned(t, Request{Agent: "bot", Force: tt.force, Settings: tt.asked}, Baseline{Agent: before})
				accepted, err := Apply(t.Context(), client(stale), plan, time.Now().Add(10*time.Minute), event.Emitter{})
				f := failureOf(err)
				if f.Status != tt.status || f.Reason != tt.reason {
					t.Fatalf("got %+v, %+v; want %q for %q", accepted, f, tt.status, tt.reason)
				}
				if err == nil && (accepted.Unchanged() != tt.same || (reads == 0) != tt.unread || accepted.Ambiguous == (tt.unread || tt.looked)) {
					t.Errorf("accepted as %+v, unchanged: %v, after %d reads", accepted, accepted.Unchanged(), reads)
				}
				if err != nil && (!strings.Contains(f.Message, "the platform says that it accepted the update, but ") || strings.Contains(f.Message, "build :")) {
					t.Errorf("says %s", f.Message)
				}
			})
		})
	}
}

// TestSetFailed holds that a set which could not be provisioned ends the update at
// once: it explains the conflict, so that one read is enough.
func TestSetFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		cloud.AddSecretSet(simulator.SecretSet{Name: "keys", Status: "failed"})
		plan := planned(t, Request{Agent: "bot", Force: true, Settings: pipecat.Settings{SecretSet: "keys"}}, Baseline{Agent: &pipecat.Agent{DesiredDeploymentID: old}})
		began := time.Now()
		_, err := Apply(t.Context(), client(cloud), plan, began.Add(time.Minute), event.Emitter{})
		if f := failureOf(err); f.Reason != verdict.Refused || f.Output() != "The secret set could not be provisioned." || time.Since(began) > 0 {
			t.Errorf("after %s: %+v", time.Since(began), f)
		}
	})
}

// TestRequestsSent holds that all requests are counted that were sent, and that the limit
// is one of those whose response is lost.
func TestRequestsSent(t *testing.T) {
	writes := simulator.Writes
	for _, tt := range []struct {
		name   string
		faults func(http.Handler) http.Handler
		sent   int64
	}{
		{"503 for ever", func(h http.Handler) http.Handler { return h }, 4},
		{"429 twice, then 503 for ever", func(h http.Handler) http.Handler {
			return simulator.Answer(h, simulator.Between(1, 2, writes), 429, nil, "{}")
		}, 6},
		{"503, and 409 twice before the others", func(h http.Handler) http.Handler {
			return simulator.Answer(h, simulator.Between(2, 3, writes), 409, nil, `{"error":"modified concurrently"}`)
		}, 6},
		{"429, then 503 whose Retry-After is too long", func(h http.Handler) http.Handler {
			long := simulator.Answer(h, writes, 503, http.Header{"Retry-After": {"3600"}}, "")
			return simulator.Answer(long, simulator.Between(1, 1, writes), 429, nil, "{}")
		}, 2},
	} {
		for _, update := range []bool{true, false} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &simulator.Cloud{}
					plan := planned(t, Request{Agent: "bot", Create: true, Settings: pipecat.Settings{Image: "acme/bot:v2"}}, Baseline{Region: "us-west"})
					if update {
						plan = updating(t, cloud.AddAgent("bot", "us-west", "acme/bot:v1"), false)
					}
					var sent atomic.Int64
					faulty := asks(&sent, tt.faults(simulator.Answer(cloud, writes, 503, nil, "")), http.MethodPost, "")
					_, err := Apply(t.Context(), client(faulty), plan, time.Now().Add(10*time.Minute), event.Emitter{})
					says := fmt.Sprintf("(requests sent: %d)", tt.sent)
					if f := failureOf(err); f.Reason != verdict.API || !strings.Contains(f.Message, says) || sent.Load() != tt.sent {
						t.Errorf("%d requests, %+v; want %d, and that it says so", sent.Load(), f, tt.sent)
					}
				})
			})
		}
	}
}

// TestApplyDeadline holds that the update is given up when the time is up, and
// when the job is stopped.
func TestApplyDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api := client(simulator.Hang(cloud, simulator.Writes))
		plan := updating(t, old, false)

		began := time.Now()
		_, err := Apply(t.Context(), api, plan, began.Add(20*time.Second), event.Emitter{})
		if f := failureOf(err); f.Status != verdict.TimedOut || time.Since(began) != 20*time.Second || !strings.Contains(f.Message, "may have been accepted") {
			t.Errorf("after %s: %+v", time.Since(began), f)
		}

		if f := failureOf(err); strings.Contains(f.Message, "nil") {
			t.Errorf("says %s", f.Message)
		}

		began = time.Now()
		_, err = Apply(t.Context(), client(simulator.Answer(cloud, simulator.Writes, 502, nil, "")), plan, began.Add(16*time.Second), event.Emitter{})
		if f := failureOf(err); f.Status != verdict.TimedOut || f.Reason != verdict.API {
			t.Errorf("502 until the time is up: %+v", f)
		}

		api = client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, _ = client(cloud).UpdateAgent(r.Context(), "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{Image: "acme/bot:theirs"}})
				panic(http.ErrAbortHandler)
			}
			cloud.ServeHTTP(w, r)
		}))
		_, err = Apply(t.Context(), api, plan, time.Now().Add(10*time.Second), event.Emitter{})
		if f := failureOf(err); f.Status != verdict.Superseded {
			t.Errorf("another client's deployment until the time is up: %+v", f)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began = time.Now()
		_, err = Apply(ctx, api, plan, began.Add(20*time.Second), event.Emitter{})
		if f := failureOf(err); f.Status != verdict.Cancelled || time.Since(began) != 5*time.Second {
			t.Errorf("after %s: %+v", time.Since(began), f)
		}
	})
}

// TestStopped holds what is said of an update when the job is stopped: that it
// may have been accepted, or that it was not.
func TestStopped(t *testing.T) {
	writes := simulator.Writes
	lostOnce := func(c *simulator.Cloud) http.Handler {
		return simulator.Lossy(c, simulator.Between(1, 1, writes), false)
	}
	for _, tt := range []struct {
		name   string
		faults func(*simulator.Cloud) http.Handler
		after  time.Duration
		may    bool
	}{
		{"before it is sent", func(c *simulator.Cloud) http.Handler { return c }, 0, false},
		{"while it is sent", func(c *simulator.Cloud) http.Handler { return simulator.Hang(c, writes) }, 5 * time.Second, true},
		{"while it is looked for", lostOnce, 3 * time.Second, true},
		{"while it is looked for after a refusal", func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(lostOnce(c), simulator.Between(2, 2, writes), 422, nil, "{}")
		}, 10 * time.Second, true},
		{"while it is held", func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 409, nil, "{}") }, 5 * time.Second, false},
		{"after it was not seen", func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 503, http.Header{"Retry-After": {"60"}}, "{}")
		}, 30 * time.Second, true},
		{"after it was accepted, and not seen", func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, 16 * time.Second, true},
		{"while it is looked for after a Retry-After that is too long", func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(lostOnce(c), simulator.Between(2, 2, writes), 429, http.Header{"Retry-After": {"3600"}}, "{}")
		}, 20 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: time.Hour}
				old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(tt.after, cancel)
				if tt.after == 0 {
					cancel()
				}
				_, err := Apply(ctx, client(tt.faults(cloud)), updating(t, old, false), time.Now().Add(10*time.Minute), event.Emitter{})
				f := failureOf(err)
				if may := strings.Contains(f.Message, "may have been accepted"); f.Status != verdict.Cancelled || may != tt.may {
					t.Errorf("got %+v, want that it may have been accepted: %v", f, tt.may)
				}
			})
		})
	}
}

// TestUnseenBefore holds that an agent which a read had missed is not taken for the
// one that was created, where the API reports that it was there before. Where it does
// not, an agent that has all that was asked for is, and any other is not.
func TestUnseenBefore(t *testing.T) {
	for _, tt := range []struct {
		name   string
		missed bool // the API reports when it was
		date   bool // and when the deployment was made
		image  string
		reason verdict.Reason // "": accepted
	}{
		{"all is reported", true, true, "acme/bot:v1", verdict.Refused}, // it is there already
		{"when it was missed is not", false, true, "acme/bot:v1", ""},
		{"its age is not", true, false, "acme/bot:v1", ""},
		{"when it was missed is not, and it is another image", false, true, "acme/bot:v2", verdict.API},
		{"its age is not, and it is another image", true, false, "acme/bot:v2", verdict.API},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				h := simulator.Answer(cloud, simulator.Between(1, 1, simulator.Writes), 500, nil, "{}")
				api := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					recorder := httptest.NewRecorder()
					h.ServeHTTP(recorder, r)
					w.WriteHeader(recorder.Code)
					text := recorder.Body.String()
					if !tt.date {
						text = strings.ReplaceAll(text, `"createdAt"`, `"created"`)
					}
					_, _ = io.WriteString(w, text)
				}))
				var b Baseline
				if tt.missed {
					b.At = time.Now()
				}
				plan := planned(t, Request{Agent: "bot", Create: true, Settings: pipecat.Settings{Image: tt.image}}, b)
				accepted, err := Apply(t.Context(), api, plan, time.Now().Add(10*time.Minute), event.Emitter{})
				if f := failureOf(err); f.Reason != tt.reason || err == nil && !accepted.Ambiguous {
					t.Errorf("got %+v, %+v; want %q", accepted, f, tt.reason)
				}
			})
		})
	}
}

// TestNotShown holds that a deployment of which the API does not show what was
// asked for is not taken for ours, nor is another made.
func TestNotShown(t *testing.T) {
	const (
		nothing = `{"desiredDeploymentId":"other"}`
		image   = `{"desiredDeploymentId":"other","deployment":{"id":"other","manifest":{"spec":{"image":"acme/bot:v2"}}}}`
	)
	v2 := func(s pipecat.Settings) pipecat.Settings { s.Image = "acme/bot:v2"; return s }
	for _, tt := range []struct {
		name  string
		asked pipecat.Settings
		shown string
		ours  bool
	}{
		{"nothing", v2(pipecat.Settings{}), nothing, false},
		{"all that was asked for", v2(pipecat.Settings{}), image, true},
		{"no authorization", v2(pipecat.Settings{WebsocketAuth: "token"}), image, false},
		{"no node type", v2(pipecat.Settings{NodeType: "arm"}), image, false},
		{"no profile", v2(pipecat.Settings{AgentProfile: "agent-1x"}), image, false},
		{"no filter", v2(pipecat.Settings{KrispViva: &pipecat.KrispViva{}}), image, false},
		// Scaling says nothing of a deployment.
		{"no scaling", v2(pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(2)}}), image, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				h := simulator.Answer(simulator.Lossy(cloud, simulator.Writes, false), simulator.Reads, 200, nil, tt.shown)
				plan := planned(t, Request{Agent: "bot", Settings: tt.asked}, Baseline{Agent: &pipecat.Agent{DesiredDeploymentID: old}})
				accepted, err := Apply(t.Context(), client(h), plan, time.Now().Add(10*time.Minute), event.Emitter{})
				if n := len(cloud.Deployments("bot")); n != 2 {
					t.Errorf("%d deployments", n)
				}
				f := failureOf(err)
				switch {
				case tt.ours && (err != nil || accepted.ID != "other" || !accepted.Ambiguous):
					t.Errorf("got %+v, %v", accepted, err)
				case !tt.ours && (f.Reason != verdict.API || !strings.Contains(f.Message, "does not say what deployment other is, so it is not known whether it is ours")):
					t.Errorf("got %+v", f)
				}
			})
		})
	}
}

// TestSameSecond holds that a deployment of the same time as the one before is
// newer anyway: the platform's clock may tick in seconds.
func TestSameSecond(t *testing.T) {
	now := time.Now()
	at := func(id string) *pipecat.Agent {
		return &pipecat.Agent{DesiredDeploymentID: id, Deployment: &pipecat.Deployment{ID: id, CreatedAt: pipecat.Time{Time: now}}}
	}
	p := Plan{Baseline: Baseline{Agent: at("old")}}
	a := applier{Plan: p, replaces: p.target()}
	if !a.isNew(at("new")) || a.isNew(at("old")) {
		t.Error("an equal time distinguishes them")
	}
}

// TestAcceptedEvent holds that what the platform accepts is reported, with its
// warning, by which it may be another client's.
func TestAcceptedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, warning := range []string{"", "be careful"} {
			var events []event.Event
			body := `{"name":"bot","region":"us-west","desiredDeploymentId":"new","warning":"` + warning + `"}`
			api := client(simulator.Answer(&simulator.Cloud{}, simulator.Writes, 200, nil, body))
			accepted, err := Apply(t.Context(), api, updating(t, "old", false), time.Now().Add(time.Minute), handle(func(e event.Event) { events = append(events, e) }))
			want := event.Accepted{ID: "new", Previous: "old", Region: "us-west", Warning: warning}
			if err != nil || len(events) != 1 || events[0] != want || accepted.Ambiguous != (warning != "") {
				t.Errorf("got %+v, %v; reported %+v", accepted, err, events)
			}
		}
	})
}

// TestHeld holds that waiting to send the update again is not silent.
func TestHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api := client(simulator.Answer(cloud, simulator.Between(1, 1, simulator.Writes), 429, http.Header{"Retry-After": {"500"}}, "{}"))
		last := time.Now()
		plan := planned(t, Request{Agent: "bot", Force: true}, Baseline{Agent: &pipecat.Agent{DesiredDeploymentID: old}})
		_, err := Apply(t.Context(), api, plan, time.Now().Add(10*time.Minute), handle(func(event.Event) {
			if silent := time.Since(last); silent > 30*time.Second {
				t.Errorf("silent for %s", silent)
			}
			last = time.Now()
		}))
		if err != nil || time.Since(last) > 30*time.Second {
			t.Errorf("%v, and silent for %s", err, time.Since(last))
		}
	})
}

// TestUnseen holds that looking for an update is not silent, however long each
// read takes.
func TestUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api := client(simulator.Delay(simulator.Answer(cloud, simulator.Between(1, 1, simulator.Writes), 500, nil, "{}"), simulator.Reads, 9*time.Second))
		last, unseen := time.Now(), 0
		_, err := Apply(t.Context(), api, updating(t, old, false), time.Now().Add(10*time.Minute), handle(func(e event.Event) {
			if retrying, ok := e.(event.Retrying); ok && retrying.Try == event.TryLookup && retrying.Err == nil {
				unseen++
			}
			if silent := time.Since(last); silent > 40*time.Second {
				t.Errorf("silent for %s", silent)
			}
			last = time.Now()
		}))
		if err != nil || unseen != 1 {
			t.Errorf("%v, reported %d times", err, unseen)
		}
	})
}

// TestUnclear holds that nothing is claimed of an update by an answer that something
// between may have given, before reads have shown what the agent has.
func TestUnclear(t *testing.T) {
	const s = time.Second
	theirs := pipecat.Settings{Image: "acme/bot:theirs"}
	for _, tt := range []struct {
		name   string
		asked  pipecat.Settings
		lag    time.Duration
		torn   time.Duration
		answer int  // in place of the API's, which does its work; 0: the API's own
		then   int  // to all that is sent after it; 0: the API's own
		gone   bool // reads find no agent
		other  *pipecat.Settings
		status verdict.Status
		reason verdict.Reason
		lost   bool // it is said that the answer was not clear
	}{
		{name: "a redirect, and reads do not show the setting", asked: pipecat.Settings{WebsocketAuth: "token"}, answer: 302, status: verdict.Failed, reason: verdict.API, lost: true},
		{name: "a redirect, and another client's deployment", asked: pipecat.Settings{Image: "acme/bot:v2"}, answer: 302, other: &theirs, status: verdict.Superseded, reason: verdict.ReasonSuperseded, lost: true},
		{name: "a limit of the rate, then a refusal", asked: pipecat.Settings{Image: "acme/bot:v2"}, lag: 5 * s, answer: 429, then: 400},
		{name: "a limit of the rate, then a refusal, and no agent that is read", asked: pipecat.Settings{Image: "acme/bot:v2"}, answer: 429, then: 404, gone: true, status: verdict.Failed, reason: verdict.Refused, lost: true},
		{name: "old settings beside the new id", asked: pipecat.Settings{Image: "acme/bot:v2"}, torn: 3 * s, lost: true},
		{name: "old settings beside the new id, and reads that lag", asked: pipecat.Settings{Image: "acme/bot:v2", WebsocketAuth: "token"}, torn: 3 * s, lag: 9 * s, lost: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: tt.lag, TornFor: tt.torn, Torn: []string{"image"}}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				if tt.other != nil {
					cloud.Overtaken = func(string) *pipecat.Settings { return tt.other }
				}
				before, err := client(cloud).Agent(t.Context(), "bot")
				if err != nil {
					t.Fatal(err)
				}
				var h http.Handler = cloud
				if tt.then != 0 {
					h = simulator.Answer(h, simulator.Between(2, 0, simulator.Writes), tt.then, nil, `{"error":"no"}`)
				}
				if tt.gone {
					h = simulator.Answer(h, simulator.Reads, 404, nil, `{"error":"no"}`)
				}
				if tt.answer != 0 {
					h = simulator.Accepted(h, simulator.Between(1, 1, simulator.Writes), tt.answer, http.Header{"Location": {"https://elsewhere.example/"}}, "")
				}
				lost := false
				emit := event.Emitter{Handle: func(e event.Entry) { _, ok := e.Event.(event.ResponseLost); lost = lost || ok }}
				made, err := Apply(t.Context(), client(h), planned(t, Request{Agent: "bot", Settings: tt.asked}, Baseline{Agent: before}), time.Now().Add(10*time.Minute), emit)
				f := failureOf(err)
				if f.Status != tt.status || f.Reason != tt.reason || lost != tt.lost {
					t.Errorf("got %+v, lost: %v", f, lost)
				}
				if all := cloud.Deployments("bot"); err == nil && made.ID != all[1] {
					t.Errorf("accepted as %s, of %q", made.ID, all)
				}
			})
		})
	}
}
