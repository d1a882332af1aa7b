package deploy

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestApply loses answers in every way, with and without force-redeploy: one
// request never makes two deployments, and whose deployment is told is ours.
func TestApply(t *testing.T) {
	writes, reads := simulator.Writes, simulator.Reads
	theirs := func(cloud *simulator.Cloud) http.Handler { // another deployment lands, and the answer is lost
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
		status verdict.Status // empty: taken
		reason verdict.Reason
		total  int // deployments that there are in the end, for an update
	}{
		{name: "no fault", faults: func(c *simulator.Cloud) http.Handler { return c }, total: 2},
		{name: "lost once", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Lossy(c, simulator.Between(1, 1, writes), false)
		}, total: 2},
		{name: "lost for ever", faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, total: 2},
		{name: "half an answer", faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, true) }, total: 2},
		{name: "lost, and seen late", laggy: 5 * time.Second, faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, total: 2},
		{name: "lost, and seen very late", laggy: 20 * time.Second, faults: func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, total: 2},
		{name: "500 that did not take it", faults: func(c *simulator.Cloud) http.Handler {
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
		{name: "503 that asks for patience", faults: func(c *simulator.Cloud) http.Handler {
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
		{name: "lost, and the key is taken back", faults: func(c *simulator.Cloud) http.Handler {
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
		{name: "lost, and a read that asks for too much patience", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, writes, false), simulator.Between(1, 6, reads), 503, http.Header{"Retry-After": {"3600"}}, "")
		}, total: 2},
		{name: "lost, seen late, and then answered", laggy: 16 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Lossy(c, simulator.Between(1, 1, writes), false)
		}, total: 2},
		{name: "lost, then refused", laggy: 12 * time.Second, faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(simulator.Lossy(c, simulator.Between(1, 1, writes), false), simulator.Between(2, 2, writes), 422, nil, "{}")
		}, total: 2},
		{name: "503 that asks for too much patience", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 503, http.Header{"Retry-After": {"3600"}}, "{}")
		}, status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "a redirect", faults: func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 307, http.Header{"Location": {"https://elsewhere"}}, "")
		}, status: verdict.Failed, reason: verdict.API, total: 1},
		{name: "403", faults: func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 403, nil, "{}") },
			status: verdict.Failed, reason: verdict.Auth, total: 1},
		{name: "422", faults: func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 422, nil, "{}") },
			status: verdict.Failed, reason: verdict.Refused, total: 1},
		{name: "another's lands meanwhile", faults: theirs, status: verdict.Superseded, reason: verdict.Replaced, total: 2},
	} {
		for _, force := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &simulator.Cloud{ReadLag: tt.laggy}
					old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
					before := &pipecat.Agent{DesiredDeploymentID: old}
					change := Change{Name: "bot", Before: before, Settings: pipecat.Settings{Image: "acme/bot:v2"}, Force: force}
					taken, err := Apply(t.Context(), client(tt.faults(cloud)), change, time.Now().Add(10*time.Minute), func(Event) {})
					ids := cloud.Deployments("bot")
					if len(ids) != tt.total {
						t.Errorf("%d deployments, want %d", len(ids), tt.total)
					}
					check(t, taken, err, tt.status, tt.reason, ids)
				})
			})
		}
		if tt.status == verdict.Superseded {
			continue // takes an agent that is there
		}
		t.Run(tt.name+", of a creation", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: tt.laggy}
				change := Change{Name: "bot", Missed: time.Now(), Settings: pipecat.Settings{Image: "acme/bot:v2"}}
				taken, err := Apply(t.Context(), client(tt.faults(cloud)), change, time.Now().Add(10*time.Minute), func(Event) {})
				ids := cloud.Deployments("bot")
				if len(ids) != tt.total-1 {
					t.Errorf("%d deployments, want %d", len(ids), tt.total-1)
				}
				check(t, taken, err, tt.status, tt.reason, ids)
			})
		})
	}
}

// came is the verdict that err carries, the zero one when it is nil.
func came(err error) (v verdict.Verdict) {
	if err != nil {
		v = verdict.Of(err)
	}
	return v
}

func check(t *testing.T, taken Taken, err error, status verdict.Status, reason verdict.Reason, ids []string) {
	t.Helper()
	if status == "" {
		if err != nil || taken.ID != ids[len(ids)-1] || taken.Unchanged() {
			t.Errorf("got %+v, %v; want the newest of %q", taken, err, ids)
		}
		return
	}
	if v := verdict.Of(err); v.Status != status || v.Reason != reason {
		t.Errorf("got %+v, want %q for %q", v, status, reason)
	}
}

// TestAmong holds what becomes of an update when others deploy meanwhile, and
// reads show it late: another's deployment is never taken for ours, and one
// that is older than ours does not end the job.
func TestAmong(t *testing.T) {
	theirs := pipecat.Settings{Image: "acme/bot:theirs"}
	for _, tt := range []struct {
		name         string
		before       time.Duration // from another's update to ours; 0: there is none
		after        time.Duration // from ours to another's; 0: there is none
		lost         bool          // our answer
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
				change := Change{Name: "bot", Force: tt.force, Settings: pipecat.Settings{Image: "acme/bot:v2"}}
				if tt.plain {
					change.Settings = pipecat.Settings{}
				}
				other := client(cloud)
				var err error
				if change.Before, err = other.Agent(t.Context(), "bot"); err != nil {
					t.Fatal(err)
				}
				if tt.before > 0 {
					answer, err := other.UpdateAgent(t.Context(), "bot", pipecat.UpdateRequest{Settings: theirs})
					if err != nil {
						t.Fatal(err)
					}
					if tt.plain { // it was read after theirs, and a read may go back behind it
						change.Before = answer
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
				taken, err := Apply(t.Context(), client(h), change, time.Now().Add(10*time.Minute), func(Event) {})
				if v := came(err); v.Status != tt.status {
					t.Fatalf("got %+v, %+v; want %q", taken, v, tt.status)
				}
				if ids := cloud.Deployments("bot"); err == nil && taken.ID != ids[deployed] {
					t.Errorf("took %s of %q, want number %d", taken.ID, ids, deployed+1)
				}
			})
		})
	}
}

// TestStaleAnswer holds that an answer which shows the deployment before is no
// proof that there is no other, and none that what was asked for is there.
func TestStaleAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		taken  bool // by the platform
		force  bool
		image  string
		build  string
		same   bool // the deployment is the one before
		status verdict.Status
		reason verdict.Reason
	}{
		{name: "it was taken", taken: true, image: "acme/bot:v2"},
		{name: "it was taken, and is forced", taken: true, force: true, image: "acme/bot:v1"},
		{name: "it was taken, of a build", taken: true, build: "id"},
		{name: "it was not, of a build", build: "id", status: verdict.Failed, reason: verdict.API},
		{name: "it was not", image: "acme/bot:v2", status: verdict.Failed, reason: verdict.API},
		{name: "it was not, and is forced", force: true, image: "acme/bot:v1", same: true},
		{name: "there is nothing to take", taken: true, image: "docker.io/acme/bot:v1", same: true},
		{name: "there is nothing to take, and it is kept under another name", taken: true, image: "mirror.example/acme/bot:v1", same: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				before, err := client(cloud).Agent(t.Context(), "bot")
				if err != nil {
					t.Fatal(err)
				}
				stale := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet {
						cloud.ServeHTTP(w, r)
						return
					}
					if tt.taken && !tt.same {
						cloud.ServeHTTP(httptest.NewRecorder(), r)
					}
					_ = json.NewEncoder(w).Encode(map[string]any{"desiredDeploymentId": old, "deployment": map[string]any{
						"id": old, "manifest": map[string]any{"spec": map[string]any{"image": "acme/bot:v1"}}}})
				})
				cloud.AddBuild(simulator.Build{ID: "id"})
				change := Change{Name: "bot", Before: before, Force: tt.force, Settings: pipecat.Settings{Image: tt.image, BuildID: tt.build}}
				taken, err := Apply(t.Context(), client(stale), change, time.Now().Add(10*time.Minute), func(Event) {})
				if v := came(err); v.Status != tt.status || v.Reason != tt.reason {
					t.Fatalf("got %+v, %+v; want %q for %q", taken, v, tt.status, tt.reason)
				}
				if err == nil && taken.Unchanged() != tt.same {
					t.Errorf("took %s, unchanged: %v", taken.ID, taken.Unchanged())
				}
			})
		})
	}
}

// TestApplyDeadline holds that the update is given up when the time is up, and
// when the job is stopped.
func TestApplyDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api := client(simulator.Hang(cloud, simulator.Writes))
		change := Change{Name: "bot", Before: &pipecat.Agent{DesiredDeploymentID: old}, Settings: pipecat.Settings{Image: "acme/bot:v2"}}

		began := time.Now()
		_, err := Apply(t.Context(), api, change, began.Add(20*time.Second), func(Event) {})
		if v := verdict.Of(err); v.Status != verdict.TimedOut || time.Since(began) != 20*time.Second || !strings.Contains(v.Message, "may have been taken") {
			t.Errorf("after %s: %+v", time.Since(began), v)
		}

		if v := verdict.Of(err); strings.Contains(v.Message, "nil") {
			t.Errorf("says %s", v.Message)
		}

		began = time.Now()
		_, err = Apply(t.Context(), client(simulator.Answer(cloud, simulator.Writes, 502, nil, "")), change, began.Add(16*time.Second), func(Event) {})
		if v := verdict.Of(err); v.Status != verdict.TimedOut || v.Reason != verdict.API {
			t.Errorf("502 until the time is up: %+v", v)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began = time.Now()
		_, err = Apply(ctx, api, change, began.Add(20*time.Second), func(Event) {})
		if v := verdict.Of(err); v.Status != verdict.Cancelled || time.Since(began) != 5*time.Second {
			t.Errorf("after %s: %+v", time.Since(began), v)
		}
	})
}

// TestStopped holds what is said of an update when the job is stopped: that it
// may have been taken, or that it was not.
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
		{"while it is sent", func(c *simulator.Cloud) http.Handler { return simulator.Hang(c, writes) }, 5 * time.Second, true},
		{"while it is looked for", lostOnce, 3 * time.Second, true},
		{"while it is looked for after a refusal", func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(lostOnce(c), simulator.Between(2, 2, writes), 422, nil, "{}")
		}, 10 * time.Second, true},
		{"while it is held", func(c *simulator.Cloud) http.Handler { return simulator.Answer(c, writes, 409, nil, "{}") }, 5 * time.Second, false},
		{"after it was not seen", func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(c, writes, 503, http.Header{"Retry-After": {"60"}}, "{}")
		}, 30 * time.Second, true},
		{"after it was taken, and not seen", func(c *simulator.Cloud) http.Handler { return simulator.Lossy(c, writes, false) }, 16 * time.Second, true},
		{"while it is looked for after what asks for too much patience", func(c *simulator.Cloud) http.Handler {
			return simulator.Answer(lostOnce(c), simulator.Between(2, 2, writes), 429, http.Header{"Retry-After": {"3600"}}, "{}")
		}, 20 * time.Second, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{ReadLag: time.Hour}
				old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(tt.after, cancel)
				change := Change{Name: "bot", Before: &pipecat.Agent{DesiredDeploymentID: old}, Settings: pipecat.Settings{Image: "acme/bot:v2"}}
				_, err := Apply(ctx, client(tt.faults(cloud)), change, time.Now().Add(10*time.Minute), func(Event) {})
				v := verdict.Of(err)
				if may := strings.Contains(v.Message, "may have been taken"); v.Status != verdict.Cancelled || may != tt.may {
					t.Errorf("got %+v, want that it may have been taken: %v", v, tt.may)
				}
			})
		})
	}
}

// TestUnseenBefore holds that an agent which a read had missed is not taken for
// the one that was created: it is as asked for, and was there before.
func TestUnseenBefore(t *testing.T) {
	for _, tt := range []struct {
		name   string
		missed bool // the API tells when it was
		date   bool // and when the deployment was made
		reason verdict.Reason
	}{
		{"all is told", true, true, verdict.Refused}, // it is there already
		{"when it was missed is not", false, true, verdict.API},
		{"its age is not", true, false, verdict.API},
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
				change := Change{Name: "bot", Settings: pipecat.Settings{Image: "acme/bot:v1"}}
				if tt.missed {
					change.Missed = time.Now()
				}
				taken, err := Apply(t.Context(), api, change, time.Now().Add(10*time.Minute), func(Event) {})
				if v := came(err); v.Status != verdict.Failed || v.Reason != tt.reason {
					t.Errorf("got %+v, %+v; want %q", taken, v, tt.reason)
				}
			})
		})
	}
}

// TestNotTold holds that a deployment of which the API tells nothing is not
// taken for ours, nor is another made.
func TestNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		h := simulator.Answer(simulator.Lossy(cloud, simulator.Writes, false), simulator.Reads, 200, nil, `{"desiredDeploymentId":"other"}`)
		change := Change{Name: "bot", Before: &pipecat.Agent{DesiredDeploymentID: old}, Settings: pipecat.Settings{Image: "acme/bot:v2"}}
		_, err := Apply(t.Context(), client(h), change, time.Now().Add(10*time.Minute), func(Event) {})
		if v := came(err); v.Reason != verdict.API || !strings.Contains(v.Message, "does not tell") || len(cloud.Deployments("bot")) != 2 {
			t.Errorf("got %+v, and %q", v, cloud.Deployments("bot"))
		}
	})
}

// TestSameSecond holds that a deployment of the same time as the one before is
// newer all the same: the platform's clock may tick in seconds.
func TestSameSecond(t *testing.T) {
	now := time.Now()
	at := func(id string) *pipecat.Agent {
		return &pipecat.Agent{DesiredDeploymentID: id, Deployment: &pipecat.Deployment{ID: id, CreatedAt: pipecat.Time{Time: now}}}
	}
	a := applier{Change: Change{Before: at("old")}}
	if !a.newer(at("new")) || a.newer(at("old")) {
		t.Error("a time that is equal tells them apart")
	}
}

// TestTold holds that waiting to send the update again is not silent.
func TestTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api := client(simulator.Answer(cloud, simulator.Between(1, 1, simulator.Writes), 429, http.Header{"Retry-After": {"500"}}, "{}"))
		last := time.Now()
		_, err := Apply(t.Context(), api, Change{Name: "bot", Before: &pipecat.Agent{DesiredDeploymentID: old}, Force: true}, time.Now().Add(10*time.Minute), func(Event) {
			if silent := time.Since(last); silent > 30*time.Second {
				t.Errorf("silent for %s", silent)
			}
			last = time.Now()
		})
		if err != nil || time.Since(last) > 30*time.Second {
			t.Errorf("%v, and silent for %s", err, time.Since(last))
		}
	})
}

// TestUnseen holds that looking for an update is not silent, however long each
// look takes.
func TestUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		old := cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		api := client(simulator.Delay(simulator.Answer(cloud, simulator.Between(1, 1, simulator.Writes), 500, nil, "{}"), simulator.Reads, 9*time.Second))
		last, told := time.Now(), 0
		change := Change{Name: "bot", Before: &pipecat.Agent{DesiredDeploymentID: old}, Settings: pipecat.Settings{Image: "acme/bot:v2"}}
		_, err := Apply(t.Context(), api, change, time.Now().Add(10*time.Minute), func(e Event) {
			if _, ok := e.(Unseen); ok {
				told++
			}
			if silent := time.Since(last); silent > 40*time.Second {
				t.Errorf("silent for %s", silent)
			}
			last = time.Now()
		})
		if err != nil || told != 1 {
			t.Errorf("%v, told %d times", err, told)
		}
	})
}
