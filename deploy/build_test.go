package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/inputs"
	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/simulator"
	"pipecat-cloud-deploy/verdict"
)

// source is a build context with the given Dockerfile.
func source(t *testing.T, dockerfile string) inputs.Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		t.Fatal(err)
	}
	return inputs.Config{AgentName: "bot", CloudBuild: true, CreateIfMissing: true, Workspace: dir, Temp: filepath.Join(t.TempDir(), "temp"),
		BuildTimeout: 10 * time.Minute, LogLines: 3}
}

// TestFromSource makes a build through every trouble: it is of what was packed,
// there is one of it, and what cannot be mended is told.
func TestFromSource(t *testing.T) {
	post, between, bucket := simulator.Writes, simulator.Between, simulator.ToBucket
	address := func(r *http.Request) bool { return post(r) && strings.HasSuffix(r.URL.Path, "/upload-url") }
	creation := func(r *http.Request) bool { return post(r) && strings.HasSuffix(r.URL.Path, "/builds") }
	const denied = `<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>`
	type faults = func(http.Handler) http.Handler
	for _, tt := range []struct {
		name       string
		dockerfile string
		edit       func(*inputs.Config)
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
		{name: "time that is up", edit: func(c *inputs.Config) { c.BuildTimeout = 90 * time.Second }, faults: func(h http.Handler) http.Handler { return simulator.Hang(h, bucket) },
			status: verdict.TimedOut, reason: verdict.Build, message: "the build did not begin within build-timeout (1m30s), so nothing was deployed"},
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
		{name: "no Dockerfile", edit: func(c *inputs.Config) { c.Dockerfile = "Dockerfile.prod" }, status: verdict.Failed, reason: verdict.Inputs, message: "Dockerfile.prod"},
		{name: "a region of no agent", edit: func(c *inputs.Config) { c.Region = "us-east" }, status: verdict.Failed, reason: verdict.Inputs, message: "in region us-west, not in us-east"},
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
			cfg := inputs.Config{AgentName: tt.agent, Region: tt.region, BuildID: inputs.Latest, CreateIfMissing: true}
			artefact, err := Resolve(context.Background(), c, cfg, c, func(Event) {}, func(poll.Event) {})
			if tt.want == "" && err == nil || tt.want != "" && (err != nil || artefact.Build.ID != tt.want) {
				t.Errorf("%s in %q: got %+v, %v, want %s", tt.agent, tt.region, artefact.Build, err, tt.want)
			}
		}
	})
}

var _ API = (*pipecat.Client)(nil)
