package deploy

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

var _ API = (*pipecat.Client)(nil)

func ptr[T any](v T) *T { return &v }

// client is one of a handler, without a network.
func client(h http.Handler) *pipecat.Client {
	return &pipecat.Client{Base: &url.URL{Scheme: "https", Host: "api", Path: "/v1"}, Key: "sk", Transport: simulator.Transport(h), Retries: 4}
}

// handle is an emitter whose events are handled by f.
func handle(f func(event.Event)) event.Emitter {
	return event.Emitter{Handle: func(e event.Entry) { f(e.Event) }}
}

// failureOf is the failure that err carries, the zero one when it is nil.
func failureOf(err error) (f verdict.Failure) {
	if err != nil {
		f = *verdict.Of("", err).Failure()
	}
	return f
}

// resolve finds what a request asks for, up to where a build would be waited for.
func resolve(ctx context.Context, api API, r Request, emit event.Emitter) (Artifact, error) {
	b, err := Read(ctx, api, r)
	if err != nil {
		return Artifact{}, err
	}
	return Resolve(ctx, api, r, b, emit)
}

// resolving finds what a request asks for, and keeps the events.
func resolving(ctx context.Context, api http.Handler, r Request) (a Artifact, events []event.Event, err error) {
	a, err = resolve(ctx, client(api), r, handle(func(e event.Event) { events = append(events, e) }))
	return a, events, err
}

// planned is the plan for a request that names an image, a build or neither.
func planned(t *testing.T, r Request, b Baseline) Plan {
	t.Helper()
	a := Artifact{Image: r.Settings.Image}
	if id := r.Settings.BuildID; id != "" {
		a.Build = &pipecat.Build{ID: id}
	}
	p, err := NewPlan(r, b, a)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// asks counts the requests of a method whose path ends so.
func asks(n *atomic.Int64, api http.Handler, method, path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method && strings.HasSuffix(r.URL.Path, path) {
			n.Add(1)
		}
		api.ServeHTTP(w, r)
	})
}

// source is a request to deploy a build of a build context with the given
// Dockerfile.
func source(t *testing.T, dockerfile string) Request {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	return Request{Agent: "bot", Create: true, BuildTimeout: 10 * time.Minute,
		Source: &buildcontext.Options{Workspace: dir, Temp: filepath.Join(t.TempDir(), "temp")}}
}

// TestSettings holds that what was not asked for is not sent.
func TestSettings(t *testing.T) {
	for _, tt := range []struct {
		name  string
		asked pipecat.Settings
		from  Artifact
		want  pipecat.Settings
	}{
		{"nothing", pipecat.Settings{}, Artifact{}, pipecat.Settings{}},
		{"an image", pipecat.Settings{Image: "a:b"}, Artifact{Image: "a:b"}, pipecat.Settings{Image: "a:b"}},
		{"a build", pipecat.Settings{BuildID: "id"}, Artifact{Build: &pipecat.Build{ID: "id"}}, pipecat.Settings{BuildID: "id"}},
		{"a build that was found", pipecat.Settings{}, Artifact{Build: &pipecat.Build{ID: "id"}}, pipecat.Settings{BuildID: "id"}},
		{"a build that is yet to be made", pipecat.Settings{}, Artifact{Build: &pipecat.Build{}}, pipecat.Settings{}},
		{"one bound", pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(0)}}, Artifact{}, pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(0)}}},
		{"the filter off", pipecat.Settings{KrispViva: &pipecat.KrispViva{}}, Artifact{}, pipecat.Settings{KrispViva: &pipecat.KrispViva{}}},
		{"the filter on", pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}, Artifact{}, pipecat.Settings{KrispViva: &pipecat.KrispViva{AudioFilter: ptr("tel")}}},
		{"the rest", pipecat.Settings{ImagePullSecretSet: "i", SecretSet: "s", AgentProfile: "p", MaxSessionDuration: 3600, WebsocketAuth: "token", NodeType: "arm"}, Artifact{},
			pipecat.Settings{ImagePullSecretSet: "i", SecretSet: "s", AgentProfile: "p", MaxSessionDuration: 3600, WebsocketAuth: "token", NodeType: "arm"}},
	} {
		if got, err := NewPlan(Request{Settings: tt.asked}, Baseline{}, tt.from); err != nil || !reflect.DeepEqual(got.Settings, tt.want) {
			t.Errorf("%s: got %+v, %v, want %+v", tt.name, got.Settings, err, tt.want)
		}
	}
}

// TestRegions holds that a new agent is created in the region that is asked for, or
// else in its build's, and never in another than that.
func TestRegions(t *testing.T) {
	const buildID = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name          string
		build, region string // of the build, and asked for
		want          string // where the agent is; "" for nowhere
	}{
		{"nothing is known", "", "", "us-west"},
		{"the organization's", "us-west", "", "us-west"},
		{"not the organization's", "us-east", "", "us-east"},
		{"asked for", "us-east", "us-east", "us-east"},
		{"asked for, and not known of the build", "", "us-east", "us-east"},
		{"another is asked for", "us-east", "eu-central", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			cloud.AddBuild(simulator.Build{ID: buildID, Region: cmp.Or(tt.build, tt.want)})
			api := client(simulator.Answer(cloud, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/properties") }, 500, nil, "")) // which is not needed
			r := Request{Agent: "bot", Settings: pipecat.Settings{BuildID: buildID}, Region: tt.region, Create: true}
			b, err := Read(t.Context(), api, r)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			plan, err := NewPlan(r, b, Artifact{Build: &pipecat.Build{ID: buildID, Region: tt.build}})
			if tt.want == "" {
				if f := failureOf(err); err == nil || f.Reason != verdict.Inputs || !strings.Contains(f.Message, "is in region us-east, and the agent in eu-central") {
					t.Errorf("%s: got %+v", tt.name, f)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if shown := plan.Event().Region; shown != tt.want && tt.build+tt.region != "" {
				t.Errorf("%s: the plan is for %q", tt.name, shown)
			}
			made, err := Apply(t.Context(), api, plan, time.Now().Add(time.Minute), event.Emitter{Handle: func(event.Entry) {}})
			if err != nil || made.Agent.Region != tt.want {
				t.Errorf("%s: %+v, %v; want it in %s", tt.name, made.Agent, err, tt.want)
			}
		})
	}
}

// TestMissed holds that a deployment which is found later is compared with the
// platform's clock when there was no agent, and not with ours.
func TestMissed(t *testing.T) {
	date := time.Date(2020, 2, 2, 20, 20, 20, 0, time.UTC)
	for _, tt := range []struct {
		header http.Header
		since  time.Time
	}{
		{http.Header{"Date": {date.Format(http.TimeFormat)}}, date.Add(-time.Minute)},
		{nil, time.Time{}},
	} {
		h := simulator.Answer(&simulator.Cloud{}, simulator.Reads, 404, tt.header, `{"error":"Not found"}`)
		r := Request{Agent: "bot", Create: true, Settings: pipecat.Settings{Image: "a:b"}}
		b, err := Read(t.Context(), client(h), r)
		if err != nil {
			t.Fatal(err)
		}
		if since := planned(t, r, b).target().CreatedAt; !since.Equal(tt.since) {
			t.Errorf("since %s; want %s", since, tt.since)
		}
	}
}

// TestNoRegion holds that an agent whose region is not shown is not in another.
func TestNoRegion(t *testing.T) {
	h := simulator.Answer(&simulator.Cloud{}, simulator.Reads, 200, nil, `{"desiredDeploymentId":"d"}`)
	r := Request{Agent: "bot", Region: "us-east", Settings: pipecat.Settings{Image: "a:b"}}
	b, err := Read(t.Context(), client(h), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewPlan(r, b, Artifact{Image: "a:b", Build: &pipecat.Build{Region: "us-west"}}); err != nil {
		t.Error(err)
	}
}

// TestReadFirst holds that what can never work is reported before anything else
// is asked than the agent.
func TestReadFirst(t *testing.T) {
	scaled := func(least, most *int) pipecat.Settings {
		return pipecat.Settings{AutoScaling: &pipecat.AutoScaling{MinAgents: least, MaxAgents: most}}
	}
	const (
		region = `agent "bot" is in region us-west, not in us-east, and cannot move; correct region or remove it, or deploy under another name`
		warm   = ", but no replica of agent %q is kept warm; set min-agents to 1 or more, or wait-for to ready"
	)
	for _, tt := range []struct {
		name    string
		request Request
		message string // empty: it can work
	}{
		{"nothing is wrong", Request{Agent: "bot"}, ""},
		{"the agent's region", Request{Agent: "bot", Region: "us-west"}, ""},
		{"another region", Request{Agent: "bot", Region: "us-east"}, region},
		{"a minimum above the agent's maximum", Request{Agent: "bot", Settings: scaled(ptr(11), nil)}, "min-agents would be 11, above max-agents, which would be 10; set both"},
		{"a maximum below the agent's minimum", Request{Agent: "bot", Settings: scaled(nil, ptr(0))}, "min-agents would be 1, above max-agents, which would be 0; set both"},
		{"a minimum that is the agent's maximum", Request{Agent: "bot", Settings: scaled(ptr(10), nil)}, ""},
		{"both bounds", Request{Agent: "bot", Settings: scaled(ptr(11), ptr(12))}, ""},
		{"both bounds of a new agent", Request{Agent: "new", Create: true, Settings: scaled(ptr(3), ptr(2))}, "min-agents would be 3, above max-agents, which would be 2; set both"},
		{"what is kept warm", Request{Agent: "bot", Warm: true}, ""},
		{"nothing is kept warm", Request{Agent: "bot", Warm: true, Settings: scaled(ptr(0), nil)}, strings.ReplaceAll("wait-for is warm"+warm, "%q", `"bot"`)},
		{"nothing of a new agent is kept warm", Request{Agent: "new", Create: true, Warm: true}, strings.ReplaceAll("wait-for is warm"+warm, "%q", `"new"`)},
		{"a new agent in another region", Request{Agent: "new", Create: true, Region: "us-east"}, ""},
		{"an agent that is not to be created", Request{Agent: "new"}, `agent "new" does not exist, and create-if-missing is false; correct agent-name, or create the agent first`},
	} {
		for name, deploys := range map[string]func(*Request){
			"an image":   func(r *Request) { r.Settings.Image = "acme/bot:v2" },
			"a build":    func(r *Request) { r.Settings.BuildID = "123e4567-e89b-12d3-a456-426614174000" },
			"the latest": func(r *Request) { r.Latest = true },
			"a source":   func(r *Request) { r.Source = &buildcontext.Options{Dir: "nowhere"} },
		} {
			t.Run(tt.name+", with "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &simulator.Cloud{}
					cloud.AddAgent("bot", "us-west", "acme/bot:v1")
					r := tt.request
					deploys(&r)
					var requests []string
					_, err := Read(t.Context(), client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						requests = append(requests, r.Method+" "+r.URL.Path)
						cloud.ServeHTTP(w, r)
					})), r)
					if tt.message == "" {
						if err != nil {
							t.Error(err)
						}
						return
					}
					if f := failureOf(err); f.Status != verdict.Failed || f.Reason != verdict.Inputs || f.Message != tt.message {
						t.Errorf("got %+v, want %s", f, tt.message)
					}
					if len(requests) != 1 || requests[0] != "GET /v1/agents/"+r.Agent {
						t.Errorf("requests: %q", requests)
					}
				})
			})
		}
	}
}

// TestReadMissing holds that an agent is not created of nothing, and that a read
// which names no deployment is no evidence.
func TestReadMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := Read(t.Context(), client(&simulator.Cloud{}), Request{Agent: "new", Create: true, Settings: pipecat.Settings{AgentProfile: "agent-2x"}})
		if f := failureOf(err); f.Reason != verdict.Inputs || f.Message != `agent "new" does not exist, and creating it needs an image or a build-id; correct agent-name, or set one of them` {
			t.Errorf("got %+v", f)
		}
		h := simulator.Answer(&simulator.Cloud{}, simulator.Reads, 200, nil, `{"name":"bot"}`)
		_, err = Read(t.Context(), client(h), Request{Agent: "bot"})
		if f := failureOf(err); f.Reason != verdict.API || !strings.Contains(f.Message, "it names no deployment") {
			t.Errorf("got %+v", f)
		}
	})
}

// TestWarm holds that a plan says how many replicas are kept warm after it.
func TestWarm(t *testing.T) {
	agent := &pipecat.Agent{DesiredDeploymentID: "old", AutoScaling: &pipecat.Replicas{MinReplicas: ptr(2)}}
	asked := pipecat.Settings{Image: "a:b", AutoScaling: &pipecat.AutoScaling{MinAgents: ptr(3)}}
	for _, tt := range []struct {
		name string
		r    Request
		b    Baseline
		want int
	}{
		{"not asked for", Request{Settings: asked}, Baseline{Agent: agent}, 0},
		{"of the agent", Request{Warm: true}, Baseline{Agent: agent}, 2},
		{"asked for", Request{Warm: true, Settings: asked}, Baseline{Agent: agent}, 3},
		{"of a new agent", Request{Warm: true, Settings: asked}, Baseline{}, 3},
	} {
		if got := planned(t, tt.r, tt.b).MinReplicas; got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}
