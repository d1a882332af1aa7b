package deploy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
)

// creation selects the requests for a build.
func creation(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/builds")
}

// TestFromSource makes a build through every trouble: it is of what was packed,
// there is one of it, and what cannot be mended is reported.
func TestFromSource(t *testing.T) {
	post, between, bucket := simulator.Writes, simulator.Between, simulator.IsUpload
	address := func(r *http.Request) bool { return post(r) && strings.HasSuffix(r.URL.Path, "/upload-url") }
	const denied = `<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>`
	type faults = func(http.Handler) http.Handler
	for _, tt := range []struct {
		name    string
		edit    func(*Request)
		faults  faults
		status  verdict.Status // empty: it succeeds
		reason  verdict.Reason
		message string
		uploads int
		builds  int
	}{
		{name: "no fault", uploads: 1, builds: 1},
		{name: "an address that is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, address), true) }, uploads: 1, builds: 1},
		{name: "an address with Retry-After", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 1, address), 429, http.Header{"Retry-After": {"60"}}, "")
		}, uploads: 1, builds: 1},
		{name: "an address that is refused", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, address, 403, nil, "{}") },
			status: verdict.Failed, reason: verdict.Auth, message: "the API rejected the key"},
		{name: "an upload that breaks off", faults: func(h http.Handler) http.Handler { return simulator.Cut(h, between(1, 2, bucket), 50) }, uploads: 1, builds: 1},
		{name: "an upload whose response is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, bucket), false) }, uploads: 1, builds: 1},
		{name: "an upload that stands still", faults: func(h http.Handler) http.Handler { return simulator.Hang(h, between(1, 1, bucket)) }, uploads: 1, builds: 1},
		{name: "an upload that never gets through", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, bucket, 503, nil, "<html>") },
			status: verdict.Failed, reason: verdict.Build, message: "could not be uploaded (tries: 4): upload to "},
		{name: "an upload that is too late, once", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, bucket), 403, nil, denied) }, uploads: 1, builds: 1},
		{name: "an upload that is too late, always", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, bucket, 403, nil, denied) },
			status: verdict.Failed, reason: verdict.Build, message: "Invalid according to Policy: Policy expired. (AccessDenied)"},
		{name: "an upload that is refused", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, bucket, 403, nil, `<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>`)
		}, status: verdict.Failed, reason: verdict.Build, message: "(tries: 1): upload to https://api/bucket: 403 Forbidden: no (SignatureDoesNotMatch)"},
		{name: "time that is up", edit: func(r *Request) { r.BuildTimeout = 90 * time.Second }, faults: func(h http.Handler) http.Handler { return simulator.Hang(h, bucket) },
			status: verdict.TimedOut, reason: verdict.Build, message: "the build is not known to have begun within build-timeout (1m 30s), so nothing was deployed: upload to https://api/bucket: "},
		{name: "a creation whose response is lost", faults: func(h http.Handler) http.Handler { return simulator.Lossy(h, between(1, 1, creation), false) }, uploads: 1, builds: 1},
		{name: "a creation that was not accepted", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 2, creation), 500, nil, "{}")
		}, uploads: 1, builds: 1},
		{name: "a creation that is never accepted", faults: func(h http.Handler) http.Handler { return simulator.Answer(h, creation, 500, nil, "{}") },
			status: verdict.Failed, reason: verdict.Build, message: "the request for the build got no usable response (requests sent: 3)", uploads: 1},
		{name: "a creation that is refused", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, creation, 400, nil, `{"error":"too many builds"}`)
		}, status: verdict.Failed, reason: verdict.Build, message: "the platform refuses to build: 400 Bad Request: too many builds", uploads: 1},
		{name: "no Dockerfile", edit: func(r *Request) { r.Source.Dockerfile = "Dockerfile.prod" }, status: verdict.Failed, reason: verdict.Inputs, message: "Dockerfile.prod"},
		{name: "a region of no agent", edit: func(r *Request) { r.Region = "us-east" }, status: verdict.Failed, reason: verdict.Inputs, message: "in region us-west, not in us-east"},
		{name: "no list of builds", faults: func(h http.Handler) http.Handler {
			return simulator.Answer(h, func(r *http.Request) bool {
				return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/builds")
			}, 500, nil, "{}")
		}, status: verdict.Failed, reason: verdict.API, message: "nothing was changed because the API could not be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				if tt.edit != nil {
					tt.edit(&r)
				}
				var api http.Handler = cloud
				if tt.faults != nil {
					api = tt.faults(cloud)
				}
				began := time.Now()
				artifact, _, err := resolving(t.Context(), api, r)
				uploads, builds := cloud.Uploads(), cloud.Builds()
				if len(uploads) != tt.uploads || len(builds) != tt.builds {
					t.Errorf("%d uploads and %d builds, want %d and %d", len(uploads), len(builds), tt.uploads, tt.builds)
				}
				var f *verdict.Failure
				switch {
				case tt.status == "":
					if err != nil || artifact.Build.ID != builds[0].ID || builds[0].Hash != uploads[0].Hash {
						t.Fatalf("got %+v, %v; builds %+v", artifact, err, builds)
					}
					// Packing takes none of the time that is measured here, and the rest counts.
					if !artifact.Building() || !artifact.Started || !artifact.Deadline.Equal(began.Add(r.BuildTimeout)) {
						t.Errorf("it is to be waited for until %s, got %+v", began.Add(r.BuildTimeout), artifact)
					}
				case !errors.As(err, &f) || f.Status != tt.status || f.Reason != tt.reason || !strings.Contains(f.Message, tt.message):
					t.Errorf("got %v as %+v, want %s, %s: %s", err, f, tt.status, tt.reason, tt.message)
				}
			})
		})
	}
}

// TestEqualBuild holds that unchanged sources are not sent again, in their own region
// and with their own Dockerfile, and that a dry run sends nothing at all.
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
			r := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				hash := ""
				first := &simulator.Cloud{}
				if _, _, err := resolving(t.Context(), first, r); err != nil {
					t.Fatal(err)
				}
				hash = first.Uploads()[0].Hash

				cloud := &simulator.Cloud{}
				b := simulator.Build{ID: "123e4567-e89b-12d3-a456-426614174000", Hash: hash, Created: time.Now().Add(-time.Hour)}
				tt.edit(&b)
				cloud.AddBuild(b)
				posts := 0
				api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						posts++
					}
					cloud.ServeHTTP(w, r)
				})
				r.DryRun = tt.dry
				artifact, _, err := resolving(t.Context(), api, r)
				if err != nil || (artifact.Build.ID == b.ID) != tt.found || (posts == 0) != (tt.found || tt.dry) || tt.dry && !tt.found && artifact.Build.ID != "" {
					t.Errorf("got %+v, %v, with %d requests that change something", artifact.Build, err, posts)
				}
				if waits := !tt.found && !tt.dry; artifact.Building() != waits || artifact.Started != waits {
					t.Errorf("it is to be waited for: %v, got %+v", waits, artifact)
				}
			})
		})
	}
}

// TestRetryAfter holds that Retry-After is followed, up to half a
// minute, and how often an address is asked for.
func TestRetryAfter(t *testing.T) {
	between, bucket := simulator.Between, simulator.IsUpload
	address := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/upload-url") }
	busy, soon := http.Header{"Retry-After": {"60"}}, http.Header{"Retry-After": {"20"}}
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
		{"a busy address", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, address), 429, busy, "") }, 30 * time.Second, 30 * time.Second, 2},
		{"a busy creation", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, creation), 503, busy, "") }, 30 * time.Second, 30 * time.Second, 1},
		{"a busy address, for less", 0, func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 1, address), 429, soon, "")
		}, 20 * time.Second, 20 * time.Second, 2},
		{"a busy creation, for less", 0, func(h http.Handler) http.Handler {
			return simulator.Answer(h, between(1, 1, creation), 503, soon, "")
		}, 20 * time.Second, 20 * time.Second, 1},
		{"a bucket that is away", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 3, bucket), 503, nil, "") }, 9500 * time.Millisecond, 9500 * time.Millisecond, 1},
		{"an address that ends soon", 50 * time.Second, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, bucket), 503, nil, "") }, 2 * time.Second, 2 * time.Second, 2},
		{"an address that has ended before its time", 0, func(h http.Handler) http.Handler { return simulator.Answer(h, between(1, 1, bucket), 403, nil, denied) }, 2 * time.Second, 2 * time.Second, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{UploadExpiry: tt.expiry}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				var addresses atomic.Int64
				began := time.Now()
				_, _, err := resolving(t.Context(), asks(&addresses, tt.faults(cloud), http.MethodPost, "/upload-url"), r)
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

// TestLookedFor holds which build is taken for one whose creation got no response,
// and whether it is yet to be waited for: one that has failed, too, because the wait
// says why.
func TestLookedFor(t *testing.T) {
	const id = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name   string
		edit   func(*simulator.Build)
		found  bool
		status string // of what is found
	}{
		{"one that runs", func(b *simulator.Build) { b.After = time.Minute }, true, "pending"},
		{"one that succeeded", func(*simulator.Build) {}, true, "success"},
		{"one that has already failed", func(b *simulator.Build) { b.Status = "failed" }, true, "failed"},
		{"one that the platform has already given up", func(b *simulator.Build) { b.Status = "timeout" }, true, "timeout"},
		{"of another context", func(b *simulator.Build) { b.Hash = "0123456789abcdef" }, false, ""},
		{"of another Dockerfile", func(b *simulator.Build) { b.Dockerfile = "Dockerfile.prod" }, false, ""},
		{"of another region", func(b *simulator.Build) { b.Region = "us-east" }, false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				tries := 0
				api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !creation(r) {
						cloud.ServeHTTP(w, r)
						return
					}
					if tries++; tries == 1 { // it is lost, and there is already a build
						b := simulator.Build{ID: id, Hash: cloud.Uploads()[0].Hash}
						tt.edit(&b)
						cloud.AddBuild(b)
						panic(http.ErrAbortHandler)
					}
					cloud.ServeHTTP(w, r)
				})
				artifact, _, err := resolving(t.Context(), api, r)
				if err != nil || (tries == 1) != tt.found || (artifact.Build.ID == id) != tt.found {
					t.Fatalf("got %+v, %v after %d requests", artifact.Build, err, tries)
				}
				if tt.found && (artifact.Build.Status != tt.status || artifact.Building() != (tt.status != "success") || !artifact.Started) {
					t.Errorf("got %+v as %+v, want one that is %s", artifact.Build, artifact, tt.status)
				}
			})
		})
	}
}

// TestFailedBefore holds that a build which failed before this job is not taken
// for the one that it asked for.
func TestFailedBefore(t *testing.T) {
	r := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		first := &simulator.Cloud{}
		if _, _, err := resolving(t.Context(), first, r); err != nil {
			t.Fatal(err)
		}
		cloud := &simulator.Cloud{}
		cloud.AddBuild(simulator.Build{ID: "123e4567-e89b-12d3-a456-426614174000", Hash: first.Uploads()[0].Hash, Status: "failed"})
		_, _, err := resolving(t.Context(), simulator.Answer(cloud, simulator.Between(1, 1, creation), 500, nil, "{}"), r)
		if err != nil || len(cloud.Builds()) != 2 {
			t.Errorf("%v, with %d builds", err, len(cloud.Builds()))
		}
	})
}

// TestAnotherBuild holds that a build which is not of what was uploaded is not
// deployed, whatever the response says.
func TestAnotherBuild(t *testing.T) {
	for _, tt := range []struct{ field, value string }{{"contextHash", "0123456789abcdef"}, {"dockerfilePath", "Dockerfile.prod"}, {"region", "us-east"}} {
		r := source(t, "FROM scratch\n")
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			response := fmt.Sprintf(`{"build":{"id":"123e4567-e89b-12d3-a456-426614174000","status":"success",%q:%q},"cached":true}`, tt.field, tt.value)
			_, _, err := resolving(t.Context(), simulator.Answer(cloud, creation, 200, nil, response), r)
			if err == nil || !strings.Contains(err.Error(), tt.value) || !strings.Contains(err.Error(), "not deployed") {
				t.Errorf("%s: %v", tt.field, err)
			}
		})
	}
}

// TestRefusedLater holds that a request which is refused after one that was lost
// is no verdict yet: the first may have been accepted.
func TestRefusedLater(t *testing.T) {
	r := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		list := func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/builds")
		}
		api := simulator.Lossy(cloud, simulator.Between(1, 1, creation), false)
		api = simulator.Answer(api, simulator.Between(2, 2, creation), 400, nil, `{"error":"Upload not found"}`)
		api = simulator.Answer(api, simulator.Between(2, 2, list), 200, nil, `{"builds":[],"total":0}`) // it lags
		artifact, _, err := resolving(t.Context(), api, r)
		if err != nil || len(cloud.Builds()) != 1 || artifact.Build.ID != cloud.Builds()[0].ID {
			t.Errorf("got %+v, %v; builds %+v", artifact.Build, err, cloud.Builds())
		}
	})
}

// TestDenied holds that a key that is not accepted for a build is reported as that,
// at once.
func TestDenied(t *testing.T) {
	for _, path := range []string{"/upload-url", "/builds"} {
		t.Run(path, func(t *testing.T) {
			r := source(t, "FROM scratch\n")
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				var tries atomic.Int64
				api := simulator.Answer(cloud, func(r *http.Request) bool { return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, path) }, 401, nil, "{}")
				_, _, err := resolving(t.Context(), asks(&tries, api, http.MethodPost, path), r)
				var f *verdict.Failure
				if !errors.As(err, &f) || f.Reason != verdict.Auth || tries.Load() != 1 {
					t.Errorf("got %v after %d requests", err, tries.Load())
				}
			})
		})
	}
}
