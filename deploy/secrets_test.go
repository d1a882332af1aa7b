package deploy

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
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

// withSecrets is a request for the agent bot whose secrets go into a set.
func withSecrets(set, region string) Request {
	return Request{Agent: "bot", Region: region, Create: true, Force: true, Settings: pipecat.Settings{Image: "acme/bot:v2", SecretSet: set},
		Secrets: []pipecat.SecretValue{{Key: "API_KEY", Value: "hunter2"}, {Key: "NEW", Value: "hunter3"}}}
}

// TestStoreSecrets loses, delays and refuses the request in every way: the secrets are
// stored, or it is said what became of their set.
func TestStoreSecrets(t *testing.T) {
	writes := simulator.Writes
	answer := func(from, to int64, status int, body string, header http.Header) func(http.Handler) http.Handler {
		return func(h http.Handler) http.Handler {
			return simulator.Answer(h, simulator.Between(from, to, writes), status, header, body)
		}
	}
	const may, not = `secret set "keys" may have them, and the update was not sent`, `secret set "keys" was not changed, and the update was not sent`
	for _, tt := range []struct {
		name   string
		fault  func(http.Handler) http.Handler
		cancel time.Duration
		reason verdict.Reason // "": they are stored
		says   string
		sent   int // requests
		after  time.Duration
	}{
		{name: "no fault", fault: func(h http.Handler) http.Handler { return h }, sent: 1},
		{name: "lost", fault: func(h http.Handler) http.Handler { return simulator.Lossy(h, simulator.Between(1, 2, writes), false) }, sent: 3},
		{name: "half an answer", fault: func(h http.Handler) http.Handler { return simulator.Lossy(h, simulator.Between(1, 1, writes), true) }, sent: 2},
		{name: "an answer that says nothing", fault: answer(1, 1, 200, "{}", nil), sent: 2},
		{name: "a page of a proxy", fault: answer(1, 1, 200, "<html>", nil), sent: 2},
		{name: "a 404 of a proxy", fault: answer(1, 1, 404, "<html>", nil), sent: 2},
		{name: "503", fault: answer(1, 3, 503, "", nil), sent: 4},
		{name: "a conflict for a while", fault: answer(1, 6, 409, `{"error":"modified concurrently"}`, nil), sent: 7},
		{name: "429 with a time", fault: answer(1, 5, 429, "{}", http.Header{"Retry-After": {"20"}}), sent: 6, after: 100 * time.Second},
		{name: "lost for ever", fault: func(h http.Handler) http.Handler { return simulator.Lossy(h, writes, false) }, sent: 4, reason: verdict.Secrets, says: may},
		{name: "503 for ever", fault: answer(1, 0, 503, "", nil), sent: 4, reason: verdict.Secrets, says: may},
		{name: "429 twice, then 503 for ever", fault: func(h http.Handler) http.Handler {
			return answer(1, 2, 429, "{}", nil)(answer(1, 0, 503, "", nil)(h))
		}, sent: 6, reason: verdict.Secrets, says: "(requests sent: 6); " + may},
		{name: "a conflict for ever", fault: answer(1, 0, 409, `{"error":"modified concurrently"}`, nil), sent: -1, reason: verdict.Secrets, says: "were not stored before wait-timeout was up; " + may, after: 5 * time.Minute},
		{name: "a time that is too long", fault: answer(1, 0, 429, "{}", http.Header{"Retry-After": {"3600"}}), sent: 1, reason: verdict.Secrets, says: "asks to wait for 1h"},
		{name: "refused", fault: answer(1, 0, 400, `{"error":"no such","code":"X"}`, nil), sent: 1, reason: verdict.Secrets, says: `the platform refuses the secrets for secret set "keys": 400 Bad Request: no such (X); ` + not},
		{name: "refused after a loss", fault: func(h http.Handler) http.Handler {
			return answer(2, 0, 400, `{"error":"no such"}`, nil)(simulator.Lossy(h, simulator.Between(1, 1, writes), false))
		}, sent: 2, reason: verdict.Secrets, says: may},
		{name: "refused by a proxy, with a value", fault: answer(1, 0, 413, "hunter2 is too large", nil), sent: 1, reason: verdict.Secrets, says: "413 Request Entity Too Large; " + may},
		{name: "a redirect", fault: answer(1, 0, 302, "", nil), sent: 1, reason: verdict.Secrets, says: may},
		{name: "the key", fault: answer(1, 0, 401, `{"error":"no"}`, nil), sent: 1, reason: verdict.Auth, says: not},
		{name: "stopped under way", fault: func(h http.Handler) http.Handler { return simulator.Hang(h, writes) }, cancel: 5 * time.Second, sent: 1, reason: verdict.ReasonCancelled, says: may},
		{name: "no answer until wait-timeout", fault: func(h http.Handler) http.Handler { return simulator.Hang(h, writes) }, sent: -1, reason: verdict.Secrets, says: may},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				cloud.AddSecretSet(simulator.SecretSet{Name: "keys"})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.cancel > 0 {
					time.AfterFunc(tt.cancel, cancel)
				}
				var sent atomic.Int32
				faulty := tt.fault(cloud)
				api := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if writes(r) {
						sent.Add(1)
					}
					faulty.ServeHTTP(w, r)
				}))
				r := withSecrets("keys", "")
				before, err := Read(ctx, api, r)
				if err != nil {
					t.Fatal(err)
				}
				p, began := planned(t, r, before), time.Now()
				var stored []event.Event
				got, err := StoreSecrets(ctx, api, p, began.Add(5*time.Minute), event.Emitter{Handle: func(e event.Entry) {
					if _, ok := e.Event.(event.SecretsStored); ok {
						stored = append(stored, e.Event)
					}
				}})
				if sent := int(sent.Load()); tt.sent >= 0 && sent != tt.sent || time.Since(began) < tt.after {
					t.Errorf("%d requests in %s, want %d", sent, time.Since(began), tt.sent)
				}
				if tt.reason == "" {
					want := map[string]string{"API_KEY": "hunter2", "NEW": "hunter3"}
					if values := cloud.SecretSet("keys").Values; err != nil || !maps.Equal(values, want) || len(stored) != 1 || !got.Stored {
						t.Errorf("%v, stored %v, events %v", err, values, stored)
					}
					return
				}
				var f *verdict.Failure
				if !errors.As(err, &f) || f.Reason != tt.reason || !strings.Contains(f.Message, tt.says) || stored != nil {
					t.Errorf("%+v, want %s that says %q", err, tt.reason, tt.says)
				}
				if strings.Contains(f.Message+f.Output(), "hunter") {
					t.Errorf("%+v shows a value", f)
				}
			})
		})
	}
}

// lateAPI stores secrets, and then is not done for a while.
type lateAPI struct {
	API
	late time.Duration
	err  error // of the request; nil when it is accepted
}

func (l lateAPI) PutSecrets(ctx context.Context, set, region string, values []pipecat.SecretValue) (string, error) {
	in, err := l.API.PutSecrets(ctx, set, region, values)
	time.Sleep(l.late)
	return in, cmp.Or(l.err, err)
}

// TestStoredLate holds that secrets are stored when the platform says so, though the time
// is up or the job stopped as its answer comes.
func TestStoredLate(t *testing.T) {
	for _, tt := range []struct {
		name       string
		late, stop time.Duration
		err        error
		status     verdict.Status // "": they are stored
		says       string
	}{
		{name: "as the time is up", late: 10 * time.Second},
		{name: "after the time is up", late: 11 * time.Second},
		{name: "as the job is stopped", late: 5 * time.Second, stop: 5 * time.Second},
		{name: "after the job is stopped", late: 6 * time.Second, stop: 5 * time.Second},
		{name: "lost after the time is up", late: 11 * time.Second, err: context.DeadlineExceeded, status: verdict.TimedOut, says: `secret set "keys" may have them`},
		{name: "lost after the job is stopped", late: 6 * time.Second, stop: 5 * time.Second, err: context.Canceled, status: verdict.Cancelled, says: `secret set "keys" may have them`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.stop > 0 {
					time.AfterFunc(tt.stop, cancel)
				}
				r := withSecrets("keys", "")
				before, err := Read(ctx, client(cloud), r)
				if err != nil {
					t.Fatal(err)
				}
				var events []event.Event
				p, err := StoreSecrets(ctx, lateAPI{client(cloud), tt.late, tt.err}, planned(t, r, before), time.Now().Add(10*time.Second), handle(func(e event.Event) { events = append(events, e) }))
				if tt.status == "" {
					if err != nil || !p.Stored || !slices.Equal(events, []event.Event{event.SecretsStored{Set: "keys", Region: "us-west"}}) {
						t.Errorf("%v, events %+v", err, events)
					}
				} else if f := failureOf(err); f.Status != tt.status || !strings.Contains(f.Message, tt.says) || p.Stored || events != nil {
					t.Errorf("%v, events %+v; want %s that says %q", err, events, tt.status, tt.says)
				}
			})
		})
	}
}

// TestReadSet holds that what can never be stored is found before anything is sent, and
// where a new set is created.
func TestReadSet(t *testing.T) {
	for _, tt := range []struct {
		name, agent, set, region string
		says                     string // "": they can be stored
		into                     string // region of the set in the end
		create                   bool
		overwritten              string
	}{
		{name: "a set that is there", agent: "us-east", set: "east", into: "us-east", overwritten: "API_KEY"},
		{name: "a new set", agent: "us-east", set: "new-set", into: "us-east", create: true},
		{name: "a new agent", set: "new-set", region: "ap-south", into: "ap-south", create: true},
		{name: "a new agent, nowhere in particular", set: "new-set", into: "us-west", create: true},
		{name: "a new agent, and a set that is there", set: "east", into: "us-east", overwritten: "API_KEY"},
		{name: "a pull set", agent: "us-west", set: "pull", says: `"pull" is an image pull secret set, which secrets never overwrite; name another secret-set`},
		{name: "a set of one's own cluster", agent: "us-west", set: "own", says: `secret set "own" is a referenced set: its secrets are kept in your own cluster`},
		{name: "another region", agent: "us-west", set: "east", says: `secret set "east" is in region us-east, and the agent in us-west`},
		{name: "a new agent in another region", set: "east", region: "us-west", says: `secret set "east" is in region us-east, and the agent in us-west`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			if tt.agent != "" {
				cloud.AddAgent("bot", tt.agent, "acme/bot:v1")
			}
			cloud.AddSecretSet(simulator.SecretSet{Name: "east", Region: "us-east"})
			cloud.AddSecretSet(simulator.SecretSet{Name: "pull", Pull: true})
			cloud.AddSecretSet(simulator.SecretSet{Name: "own", Own: true})
			api, r := client(cloud), withSecrets(tt.set, tt.region)
			before, err := Read(t.Context(), api, r)
			var f *verdict.Failure
			if tt.says != "" {
				if !errors.As(err, &f) || f.Reason != verdict.Inputs || !strings.HasPrefix(f.Message, tt.says) {
					t.Errorf("%v, want %q", err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p := planned(t, r, before)
			change := p.Event().Secrets
			if change.Create != tt.create || strings.Join(change.Overwritten, ",") != tt.overwritten || len(change.New)+len(change.Overwritten) != 2 || change.Set != tt.set {
				t.Errorf("%+v", change)
			}
			var stored event.Event
			_, err = StoreSecrets(t.Context(), api, p, time.Now().Add(time.Minute), handle(func(e event.Event) { stored = e }))
			if set := cloud.SecretSet(tt.set); err != nil || set.Region != tt.into || stored != (event.SecretsStored{Set: tt.set, Region: tt.into}) {
				t.Errorf("%+v, %v, in %s", stored, err, set.Region)
			}
		})
	}
}

// TestSecretsOfExisting holds that a creation which meets an agent does not change what
// is said of the secrets, which are stored by then.
func TestSecretsOfExisting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddSecretSet(simulator.SecretSet{Name: "keys"})
		api, r := client(cloud), withSecrets("keys", "us-west")
		before, err := Read(t.Context(), api, r)
		if err != nil {
			t.Fatal(err)
		}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		again := 0
		_, err = Apply(t.Context(), api, planned(t, r, before), time.Now().Add(time.Minute), event.Emitter{Handle: func(e event.Entry) {
			if p, ok := e.Event.(event.Planned); ok {
				again++
				if p.Secrets.Create || len(p.Secrets.Overwritten) != 1 {
					t.Errorf("%+v", p.Secrets)
				}
			}
		}})
		if err != nil || again != 1 {
			t.Errorf("%v, planned again %d times", err, again)
		}
	})
}

// TestNoSecrets holds that nothing is read or stored without secrets.
func TestNoSecrets(t *testing.T) {
	cloud := &simulator.Cloud{}
	cloud.AddAgent("bot", "us-west", "acme/bot:v1")
	api := client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/secrets") {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		cloud.ServeHTTP(w, r)
	}))
	r := withSecrets("keys", "")
	r.Secrets = nil
	before, err := Read(t.Context(), api, r)
	if err != nil {
		t.Fatal(err)
	}
	p := planned(t, r, before)
	if p, err := StoreSecrets(t.Context(), api, p, time.Now(), event.Emitter{}); err != nil || p.Stored || p.Event().Secrets != nil {
		t.Errorf("%v, stored %t, %+v", err, p.Stored, p.Event().Secrets)
	}
}

// TestRenewWarm holds that the replicas to wait for stay known where a document leaves
// them out.
func TestRenewWarm(t *testing.T) {
	cloud := &simulator.Cloud{}
	cloud.AddAgent("bot", "us-west", "acme/bot:v1")
	agent, err := client(cloud).Agent(t.Context(), "bot")
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Request: Request{Agent: "bot", Warm: true}, Baseline: Baseline{Agent: agent}, MinReplicas: 2, Stored: true}
	bare := simulator.Answer(cloud, simulator.Reads, 200, nil, `{"name":"bot","desiredDeploymentId":"d"}`)
	if again, err := p.Renew(t.Context(), client(bare), event.Emitter{}); err != nil || again.MinReplicas != 2 {
		t.Errorf("%d replicas, %v; want 2", again.MinReplicas, err)
	}
}

// TestRenew holds that what others deploy while a secret set becomes ready is what a
// rollback restores, and that a read which fails then says that the secrets are stored.
func TestRenew(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  func(http.Handler) http.Handler
		stop   bool
		reason verdict.Reason // "": it is planned again
		says   string
	}{
		{name: "someone has deployed", fault: func(h http.Handler) http.Handler { return h }},
		{name: "not readable", fault: func(h http.Handler) http.Handler { return simulator.Answer(h, simulator.Reads, 500, nil, "{}") }, reason: verdict.API, says: "the update was not sent, because the agent could not be read: "},
		{name: "the key", fault: func(h http.Handler) http.Handler { return simulator.Answer(h, simulator.Reads, 401, nil, "{}") }, reason: verdict.Auth, says: "the API rejected the key"},
		{name: "stopped", fault: func(h http.Handler) http.Handler { return h }, stop: true, reason: verdict.ReasonCancelled, says: "the job was stopped before the update was sent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				api, r := client(cloud), withSecrets("keys", "")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				before, err := Read(ctx, api, r)
				if err != nil {
					t.Fatal(err)
				}
				p := planned(t, r, before)
				p, err = StoreSecrets(ctx, api, p, time.Now().Add(time.Minute), event.Emitter{})
				if err != nil || !p.Stored {
					t.Fatal(err)
				}
				other, err := api.UpdateAgent(ctx, "bot", pipecat.UpdateRequest{Settings: pipecat.Settings{Image: "acme/bot:theirs"}})
				if err != nil {
					t.Fatal(err)
				}
				if tt.stop {
					cancel()
				}
				shown := 0
				again, err := p.Renew(ctx, client(tt.fault(cloud)), event.Emitter{Handle: func(event.Entry) { shown++ }})
				if tt.reason == "" {
					if err != nil || again.previous() != other.Desired() || shown != 1 || !again.Stored || !again.Event().Secrets.Create {
						t.Errorf("%+v, %v, shown %d times", again.Event(), err, shown)
					}
					return
				}
				var f *verdict.Failure
				if !errors.As(err, &f) || f.Reason != tt.reason || !strings.HasPrefix(f.Message, tt.says) || !strings.HasSuffix(f.Message, `; secret set "keys" has the new secrets, and keeps them`) {
					t.Errorf("%v", err)
				}
			})
		})
	}
}
