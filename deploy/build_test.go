package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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

// source is a build context with the given Dockerfile.
func source(t *testing.T, dockerfile string) config.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Config{AgentName: "bot", CreateIfMissing: true, Workspace: dir, Build: config.Build{FromSource: true, Timeout: 10 * time.Minute, Temp: filepath.Join(t.TempDir(), "temp")},
		LogLines: 3}
}

// creation selects the requests for a build.
func creation(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/builds")
}

// TestFromSource makes a build through every trouble: it is of what was packed,
// there is one of it, and what cannot be mended is told.
func TestFromSource(t *testing.T) {
	post, between, bucket := simulator.Writes, simulator.Between, simulator.IsUpload
	address := func(r *http.Request) bool { return post(r) && strings.HasSuffix(r.URL.Path, "/upload-url") }
	const denied = `<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>`
	type faults = func(http.Handler) http.Handler
	for _, tt := range []struct {
		name       string
		dockerfile string
		edit       func(*config.Config)
		faults     faults
		status     verdict.Status // empty: it succeeds
		reason     verdict.Reason
		message    string
		uploads    int
		builds     int
	}{
		{name: "no fault", uploads: 1, builds: 1},
		{name: "an address that is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, address), true) }, uploads: 1, builds: 1},
		{name: "an address that asks for patience", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 1, address), 429, http.Header{"Retry-After": {"60"}}, "")
		}, uploads: 1, builds: 1},
		{name: "an address that is refused", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, address, 403, nil, "{}") },
			status: verdict.Failed, reason: verdict.Auth, message: "the API does not take the key"},
		{name: "an upload that breaks off", faults: func(h http.Handler) http.Handler { return simulator.Cut(h, between(1, 2, bucket), 50) }, uploads: 1, builds: 1},
		{name: "an upload whose answer is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, bucket), false) }, uploads: 1, builds: 1},
		{name: "an upload that stands still", faults: func(h http.Handler) http.Handler { return simulator.Hang(h, between(1, 1, bucket)) }, uploads: 1, builds: 1},
		{name: "an upload that never gets through", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, bucket, 503, nil, "<html>") },
			status: verdict.Failed, reason: verdict.Build, message: "could not be uploaded (tries: 4): upload to "},
		{name: "an upload that is too late, once", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, bucket), 403, nil, denied) }, uploads: 1, builds: 1},
		{name: "an upload that is too late, always", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, bucket, 403, nil, denied) },
			status: verdict.Failed, reason: verdict.Build, message: "Invalid according to Policy: Policy expired. (AccessDenied)"},
		{name: "an upload that is refused", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, bucket, 403, nil, `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`)
		}, status: verdict.Failed, reason: verdict.Build, message: "(tries: 1): upload to https://api/bucket: 403 Forbidden: no (SignatureDoesNotMatch)"},
		{name: "time that is up", edit: func(c *config.Config) { c.Build.Timeout = 90 * time.Second }, faults: func(h http.Handler) http.Handler { return simulator.Hang(h, bucket) },
			status: verdict.TimedOut, reason: verdict.Build, message: "the build is not known to have begun within build-timeout (1m30s), so nothing was deployed: upload to https://api/bucket: "},
		{name: "a creation whose answer is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, creation), false) }, uploads: 1, builds: 1},
		{name: "a creation that was not taken", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 2, creation), 500, nil, "{}")
		}, uploads: 1, builds: 1},
		{name: "a creation that is never taken", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, creation, 500, nil, "{}") },
			status: verdict.Failed, reason: verdict.Build, message: "the request for the build got no clear answer (requests sent: 3)", uploads: 1},
		{name: "a creation that is refused", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, creation, 400, nil, `{"error":"too many builds"}`)
		}, status: verdict.Failed, reason: verdict.Build, message: "the platform refuses to build: 400 Bad Request: too many builds", uploads: 1},
		{name: "a build that fails", dockerfile: "# simulator: failed\n", status: verdict.Failed, reason: verdict.Build, message: "ended as failed and is not deployed", uploads: 1, builds: 1},
		{name: "a build whose log cannot be read", dockerfile: "# simulator: failed\n", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/logs") }, 500, nil, "{}")
		}, status: verdict.Failed, reason: verdict.Build, message: "ended as failed and is not deployed", uploads: 1, builds: 1},
		{name: "no Dockerfile", edit: func(c *config.Config) { c.Build.Dockerfile = "Dockerfile.prod" }, status: verdict.Failed, reason: verdict.Inputs, message: "Dockerfile.prod"},
		{name: "a region of no agent", edit: func(c *config.Config) { c.Region = "us-east" }, status: verdict.Failed, reason: verdict.Inputs, message: "in region us-west, not in us-east"},
		{name: "no list of builds", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, func(r *http.Request) bool {
				return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/builds")
			}, 500, nil, "{}")
		}, status: verdict.Failed, reason: verdict.API, message: "nothing was changed, for the API could not be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := source(t, tt.dockerfile)
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				if tt.edit != nil {
					tt.edit(&cfg)
				}
				var api http.Handler = cloud
				if tt.faults != nil {
					api = tt.faults(cloud)
				}
				c := client(api)
				artefact, err := Resolve(t.Context(), c, cfg, c, func(Event) {}, func(poll.Event) {})
				uploads, builds := cloud.Uploads(), cloud.Builds()
				if len(uploads) != tt.uploads || len(builds) != tt.builds {
					t.Errorf("%d uploads and %d builds, want %d and %d", len(uploads), len(builds), tt.uploads, tt.builds)
				}
				var v *verdict.Verdict
				switch {
				case tt.status == "":
					if err != nil || artefact.Build.ID != builds[0].ID || builds[0].Hash != uploads[0].Hash {
						t.Errorf("got %+v, %v; builds %+v", artefact, err, builds)
					}
				case !errors.As(err, &v) || v.Status != tt.status || v.Reason != tt.reason || !strings.Contains(v.Message, tt.message):
					t.Errorf("got %v as %+v, want %s, %s: %s", err, v, tt.status, tt.reason, tt.message)
				case tt.name == "a build that fails" && (strings.Count(v.Detail, "\n") != 3 || !strings.HasSuffix(v.Detail, "State: FAILED")):
					t.Errorf("the detail is %q, want the error and the last three lines", v.Detail)
				}
			})
		})
	}
}

// TestEqualBuild holds that what was built is not sent again, in its own region
// and of its own Dockerfile, and that a dry run sends nothing at all.
func TestEqualBuild(t *testing.T) {
	for _, tt := range []struct {
		name  string
		edit  func(*simulator.Build)
		dry   bool
		found bool
	}{
		{"the same", func(*simulator.Build) {}, false, true},
		{"the same, in a dry run", func(*simulator.Build) {}, true, true},
		{"another hash", func(b *simulator.Build) { b.Hash = "0123456789abcdef" }, false, false},
		{"another hash, in a dry run", func(b *simulator.Build) { b.Hash = "0123456789abcdef" }, true, false},
		{"another region", func(b *simulator.Build) { b.Region = "us-east" }, false, false},
		{"another Dockerfile", func(b *simulator.Build) { b.Dockerfile = "Dockerfile.prod" }, false, false},
		{"one that failed", func(b *simulator.Build) { b.Status = "failed" }, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				hash := ""
				first := &simulator.Cloud{}
				c := client(first)
				if _, err := Resolve(t.Context(), c, cfg, c, func(Event) {}, func(poll.Event) {}); err != nil {
					t.Fatal(err)
				}
				hash = first.Uploads()[0].Hash

				cloud := &simulator.Cloud{}
				b := simulator.Build{ID: "123e4567-e89b-12d3-a456-426614174000", Hash: hash, Created: time.Now().Add(-time.Hour)}
				tt.edit(&b)
				cloud.AddBuild(b)
				posts := 0
				c = client(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						posts++
					}
					cloud.ServeHTTP(w, r)
				}))
				cfg.DryRun = tt.dry
				artefact, err := Resolve(t.Context(), c, cfg, c, func(Event) {}, func(poll.Event) {})
				if err != nil || (artefact.Build.ID == b.ID) != tt.found || (posts == 0) != (tt.found || tt.dry) || tt.dry && !tt.found && artefact.Build.ID != "" {
					t.Errorf("got %+v, %v, with %d requests that change something", artefact.Build, err, posts)
				}
			})
		})
	}
}

var _ API = (*pipecat.Client)(nil)

// resolving resolves what cfg asks for, and keeps what is told of it.
func resolving(ctx context.Context, api http.Handler, cfg config.Config) (artefact Artefact, events []Event, err error) {
	c := client(api)
	artefact, err = Resolve(ctx, c, cfg, c, func(e Event) { events = append(events, e) }, func(poll.Event) {})
	return artefact, events, err
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

// TestPatience holds that an API which asks for patience is given it, and how
// often an address is asked for.
func TestPatience(t *testing.T) {
	between, bucket := simulator.Between, simulator.IsUpload
	address := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/upload-url") }
	busy := http.Header{"Retry-After": {"60"}}
	const denied = `<Error><Code>AccessDenied</Code><Message>Policy expired.</Message></Error>`
	for _, tt := range []struct {
		name      string
		expiry    time.Duration
		faults    func(http.Handler) http.Handler
		least     time.Duration // until the build began
		most      time.Duration
		addresses int64
	}{
		{"no fault", 0, func(h http.Handler) http.Handler { return h }, 0, 0, 1},
		{"a busy address", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, address), 429, busy, "") }, time.Minute, time.Minute, 2},
		{"a busy creation", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, creation), 503, busy, "") }, time.Minute, time.Minute, 1},
		{"a bucket that is away", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 3, bucket), 503, nil, "") }, 9500 * time.Millisecond, 9500 * time.Millisecond, 1},
		{"an address that ends soon", 50 * time.Second, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, bucket), 503, nil, "") }, 2 * time.Second, 2 * time.Second, 2},
		{"an address that has ended before its time", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, bucket), 403, nil, denied) }, 2 * time.Second, 2 * time.Second, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{UploadExpiry: tt.expiry}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				var addresses atomic.Int64
				began := time.Now()
				_, _, err := resolving(t.Context(), asks(&addresses, tt.faults(cloud), http.MethodPost, "/upload-url"), cfg)
				builds := cloud.Builds()
				if err != nil || len(builds) != 1 || addresses.Load() != tt.addresses {
					t.Fatalf("got %v; %d addresses, want %d; builds %+v", err, addresses.Load(), tt.addresses, builds)
				}
				if took := builds[0].Created.Sub(began); took < tt.least || took > tt.most {
					t.Errorf("the build began after %s, want %s to %s", took, tt.least, tt.most)
				}
			})
		})
	}
}

// TestLookedFor holds which build is taken for one whose creation got no answer.
func TestLookedFor(t *testing.T) {
	const id = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name  string
		edit  func(*simulator.Build)
		found bool
		fails string
	}{
		{"one that runs", func(b *simulator.Build) { b.After = time.Minute }, true, ""},
		{"one that succeeded", func(*simulator.Build) {}, true, ""},
		{"one that failed by now", func(b *simulator.Build) { b.Status = "failed" }, true, "ended as failed"},
		{"one that the platform gave up by now", func(b *simulator.Build) { b.Status = "timeout" }, true, "ended as timeout"},
		{"of another context", func(b *simulator.Build) { b.Hash = "0123456789abcdef" }, false, ""},
		{"of another Dockerfile", func(b *simulator.Build) { b.Dockerfile = "Dockerfile.prod" }, false, ""},
		{"of another region", func(b *simulator.Build) { b.Region = "us-east" }, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				tries := 0
				api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !creation(r) {
						cloud.ServeHTTP(w, r)
						return
					}
					if tries++; tries == 1 { // it is lost, and there is a build by now
						b := simulator.Build{ID: id, Hash: cloud.Uploads()[0].Hash}
						tt.edit(&b)
						cloud.AddBuild(b)
						panic(http.ErrAbortHandler)
					}
					cloud.ServeHTTP(w, r)
				})
				artefact, _, err := resolving(t.Context(), api, cfg)
				if (tries == 1) != tt.found || tt.fails != "" && (err == nil || !strings.Contains(err.Error(), tt.fails)) ||
					tt.fails == "" && (err != nil || (artefact.Build.ID == id) != tt.found) {
					t.Errorf("got %+v, %v after %d requests", artefact.Build, err, tries)
				}
			})
		})
	}
}

// TestFailedBefore holds that a build which failed before this job is not taken
// for the one that it asked for.
func TestFailedBefore(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		first := &simulator.Cloud{}
		if _, _, err := resolving(t.Context(), first, cfg); err != nil {
			t.Fatal(err)
		}
		cloud := &simulator.Cloud{}
		cloud.AddBuild(simulator.Build{ID: "123e4567-e89b-12d3-a456-426614174000", Hash: first.Uploads()[0].Hash, Status: "failed"})
		_, _, err := resolving(t.Context(), simulator.Answer(cloud, simulator.Between(1, 1, creation), 500, nil, "{}"), cfg)
		if err != nil || len(cloud.Builds()) != 2 {
			t.Errorf("%v, with %d builds", err, len(cloud.Builds()))
		}
	})
}

// TestAnotherBuild holds that a build which is not of what was uploaded is not
// deployed, whatever the answer says.
func TestAnotherBuild(t *testing.T) {
	for _, tt := range []struct{ field, value string }{{"contextHash", "0123456789abcdef"}, {"dockerfilePath", "Dockerfile.prod"}, {"region", "us-east"}} {
		cfg := source(t, "FROM scratch\n")
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			answer := fmt.Sprintf(`{"build":{"id":"123e4567-e89b-12d3-a456-426614174000","status":"success",%q:%q},"cached":true}`, tt.field, tt.value)
			_, _, err := resolving(t.Context(), simulator.Answer(cloud, creation, 200, nil, answer), cfg)
			if err == nil || !strings.Contains(err.Error(), tt.value) || !strings.Contains(err.Error(), "not deployed") {
				t.Errorf("%s: %v", tt.field, err)
			}
		})
	}
}

// TestFailedAndStopped holds that a build which has failed is told as that, though
// the job is stopped while its log is read.
func TestFailedAndStopped(t *testing.T) {
	cfg := source(t, "# simulator: failed\n")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cloud := &simulator.Cloud{}
		_, _, err := resolving(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if b := cloud.Builds(); strings.HasSuffix(r.URL.Path, "/logs") && len(b) > 0 && r.URL.Query().Get("limit") == "10000" {
				cancel()
			}
			cloud.ServeHTTP(w, r)
		}), cfg)
		if v := verdict.Of(err); v.Status != verdict.Failed || v.Reason != verdict.Build {
			t.Errorf("got %+v", v)
		}
	})
}

// TestRefusedLater holds that a request which is refused after one that was lost
// is no verdict yet: the first may have been taken.
func TestRefusedLater(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		list := func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/builds")
		}
		api := simulator.Lossy(cloud, simulator.Between(1, 1, creation), false)
		api = simulator.Answer(api, simulator.Between(2, 2, creation), 400, nil, `{"error":"Upload not found"}`)
		api = simulator.Answer(api, simulator.Between(2, 2, list), 200, nil, `{"builds":[],"total":0}`) // it lags
		artefact, _, err := resolving(t.Context(), api, cfg)
		if err != nil || len(cloud.Builds()) != 1 || artefact.Build.ID != cloud.Builds()[0].ID {
			t.Errorf("got %+v, %v; builds %+v", artefact.Build, err, cloud.Builds())
		}
	})
}

// TestDenied holds that a key that is not taken for a build is told as that, at
// once.
func TestDenied(t *testing.T) {
	for _, path := range []string{"/upload-url", "/builds"} {
		t.Run(path, func(t *testing.T) {
			cfg := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				var tries atomic.Int64
				api := simulator.Answer(cloud, func(r *http.Request) bool { return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, path) }, 401, nil, "{}")
				_, _, err := resolving(t.Context(), asks(&tries, api, http.MethodPost, path), cfg)
				var v *verdict.Verdict
				if !errors.As(err, &v) || v.Reason != verdict.Auth || tries.Load() != 1 {
					t.Errorf("got %v after %d requests", err, tries.Load())
				}
			})
		})
	}
}
