package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// TestLatest holds which build is the latest.
func TestLatest(t *testing.T) {
	id := func(n int) string { return fmt.Sprintf("123e4567-e89b-12d3-a456-42661417400%d", n) }
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-east", "acme/bot:v1")
		for n, b := range []simulator.Build{{Region: "us-east"}, {Region: "us-east"}, {Region: "us-west"}, {Region: "us-east", Status: "failed"}, {Region: "us-east", After: 24 * time.Hour}} {
			b.ID, b.Created = id(n), time.Now().Add(time.Duration(n-10)*time.Hour)
			cloud.AddBuild(b)
		}
		c := client(cloud)
		for _, tt := range []struct{ agent, region, want string }{{"bot", "", id(1)}, {"new", "", id(2)}, {"new", "us-east", id(1)}, {"new", "ap-south", ""}} {
			cfg := config.Config{AgentName: tt.agent, Region: tt.region, Build: config.Build{Latest: true}, CreateIfMissing: true}
			artefact, err := Resolve(context.Background(), c, cfg, c, func(Event) {}, func(poll.Event) {})
			if tt.want == "" && err == nil || tt.want != "" && (err != nil || artefact.Build.ID != tt.want) {
				t.Errorf("%s in %q: got %+v, %v, want %s", tt.agent, tt.region, artefact.Build, err, tt.want)
			}
		}
	})
}

// TestNamedBuild holds that the build that was asked for is deployed by the name
// that it was asked for, whatever its document calls it.
func TestNamedBuild(t *testing.T) {
	const id = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name     string
		statuses []string
	}{
		{"one that is there", []string{"success"}},
		{"one that runs", []string{"building", "success"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				looks := 0
				api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasSuffix(r.URL.Path, "/builds/"+id) {
						cloud.ServeHTTP(w, r)
						return
					}
					fmt.Fprintf(w, `{"build":{"status":%q}}`, tt.statuses[min(looks, len(tt.statuses)-1)])
					looks++
				})
				artefact, _, err := resolving(t.Context(), api, config.Config{AgentName: "bot", Settings: pipecat.Settings{BuildID: id}, Build: config.Build{Timeout: time.Minute}})
				if err != nil || artefact.Build.ID != id {
					t.Errorf("got %+v, %v", artefact.Build, err)
				}
			})
		})
	}
}

// TestNoDefaultRegion holds that nothing is packed for a region that is not known.
func TestNoDefaultRegion(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		api := simulator.Answer(&simulator.Cloud{}, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/properties") }, 200, nil, `{"properties":{}}`)
		_, events, err := resolving(t.Context(), api, cfg)
		var v *verdict.Verdict
		if !errors.As(err, &v) || v.Reason != verdict.Inputs || !strings.Contains(v.Message, "set region") || len(events) > 0 {
			t.Errorf("got %v, %+v", err, events)
		}
	})
}

// TestBuildLog holds when the log of a build is read for what it printed last,
// for how long, and that it changes no verdict.
func TestBuildLog(t *testing.T) {
	whole := func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/logs") && r.URL.Query().Get("limit") == "10000"
	}
	for _, tt := range []struct {
		name     string
		script   string
		lines    int
		fault    func(http.Handler) http.Handler
		reason   verdict.Reason
		reads    bool
		unlogged bool
		within   time.Duration // 0: as long as the build takes
	}{
		{"as asked for", "failed", 3, nil, verdict.Build, true, false, 0},
		{"not asked for", "failed", 0, nil, verdict.Build, false, false, 0},
		{"one that hangs", "failed", 3, func(h http.Handler) http.Handler { return simulator.Hang(h, whole) }, verdict.Build, true, true, 10 * time.Second},
		{"one that ran out of time", "stuck", 3, nil, verdict.Build, true, false, 10 * time.Minute},
		{"a build that cannot be read", "stuck", 3, func(h http.Handler) http.Handler {
			return simulator.Answer(h, func(r *http.Request) bool {
				return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/builds/") && !strings.HasSuffix(r.URL.Path, "/logs")
			}, 502, nil, "")
		}, verdict.API, false, false, 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := source(t, "# simulator: "+tt.script+"\n")
			cfg.LogLines = tt.lines
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				var read atomic.Bool
				var api http.Handler = cloud
				if tt.fault != nil {
					api = tt.fault(api)
				}
				began := time.Now()
				_, events, err := resolving(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if whole(r) {
						read.Store(true)
					}
					api.ServeHTTP(w, r)
				}), cfg)
				unlogged := false
				for _, e := range events {
					_, is := e.(Unlogged)
					unlogged = unlogged || is
				}
				var v *verdict.Verdict
				if !errors.As(err, &v) || v.Reason != tt.reason || read.Load() != tt.reads || unlogged != tt.unlogged {
					t.Errorf("got %v; read %v, unlogged %v", err, read.Load(), unlogged)
				}
				if most := tt.within + 30*time.Second; time.Since(began) > most {
					t.Errorf("it took %s, more than %s", time.Since(began), most)
				}
			})
		})
	}
}
