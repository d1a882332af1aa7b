package deploy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
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

// TestManyProblems holds that what keeps a context from being packed is reported
// whole, each on a line.
func TestManyProblems(t *testing.T) {
	r := source(t, "FROM scratch\n")
	r.Source.Exclude = []string{"a[", "b["}
	_, _, err := resolving(t.Context(), &simulator.Cloud{}, r)
	f := failureOf(err)
	if f.Reason != verdict.Inputs || strings.Contains(f.Message, "\n") || strings.Count(f.Output(), "\n") < 1 {
		t.Errorf("got %q, %q", f.Message, f.Output())
	}
}

// TestRefusedUpload holds that what the bucket said is in the failure.
func TestRefusedUpload(t *testing.T) {
	for _, tt := range []struct{ response, code, output string }{
		{`<Error><Code>EntityTooLarge</Code><Message>too large</Message></Error>`, "EntityTooLarge", ""},
		{"<html>a proxy\nsays no</html>", "", "<html>a proxy\nsays no</html>"},
	} {
		r := source(t, "FROM scratch\n")
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			cloud.AddAgent("bot", "us-west", "acme/bot:v1")
			_, _, err := resolving(t.Context(), simulator.Answer(cloud, simulator.IsUpload, 400, nil, tt.response), r)
			var f *verdict.Failure
			if !errors.As(err, &f) || f.Code != tt.code || f.Output() != tt.output {
				t.Errorf("%q: got %+v", tt.response, f)
			}
		})
	}
}

// TestProgress holds that a slow upload is reported, and not too often.
func TestProgress(t *testing.T) {
	r := source(t, "FROM scratch\n#"+strings.Repeat("0123456789abcdef", 64))
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		var last event.Progress
		reported, uploaded := 0, time.Duration(0)
		_, err := resolve(t.Context(), client(simulator.Slow(cloud, simulator.IsUpload, 64, time.Second)), r, handle(func(e event.Event) {
			switch e := e.(type) {
			case event.Progress:
				if e.Activity != event.Uploading || e.Done == 0 { // it begins
					return
				}
				if reported++; e.Elapsed-last.Elapsed < progressEvery || e.Done < last.Done || e.Done > e.Total {
					t.Errorf("%+v after %+v", e, last)
				}
				last = e
			case event.Uploaded:
				uploaded = e.Took
			}
		}))
		if err != nil || reported == 0 || reported > int(uploaded/progressEvery) {
			t.Errorf("%d times in %s; %v", reported, uploaded, err)
		}
	})
}

// TestPackedAs holds that a build is of what the inputs say, and that nothing of it
// is left, nor elsewhere meanwhile.
func TestPackedAs(t *testing.T) {
	r := source(t, "FROM scratch\n")
	for _, name := range []string{"bots/a/deploy/Dockerfile.prod", "bots/a/bot.py", "bots/a/notes.md", "bots/b/bot.py"} {
		path := filepath.Join(r.Source.Workspace, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	r.Source.Dir, r.Source.Dockerfile, r.Source.Exclude = "bots/a", "deploy/Dockerfile.prod", []string{"*.md"}
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		artifact, _, err := resolving(t.Context(), cloud, r)
		if err != nil || artifact.Build.DockerfilePath != "deploy/Dockerfile.prod" {
			t.Fatalf("got %+v, %v", artifact.Build, err)
		}
		if names := strings.Join(cloud.Uploads()[0].Names, " "); names != "bot.py deploy/ deploy/Dockerfile.prod" {
			t.Errorf("packed %s", names)
		}
		if left, err := os.ReadDir(r.Source.Temp); err != nil || len(left) > 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
	r.Source.Dir = filepath.Dir(r.Source.Workspace)
	if _, _, err := resolving(t.Context(), &simulator.Cloud{}, r); err == nil || !strings.Contains(err.Error(), "is outside of the workspace") {
		t.Errorf("a context around the workspace: %v", err)
	}
}

// reading keeps what is read of an upload.
type reading struct {
	API
	body io.Reader
}

func (a *reading) Upload(ctx context.Context, to *pipecat.Upload, body io.Reader, size int64, progress func(int64)) error {
	a.body = body
	return a.API.Upload(ctx, to, body, size, progress)
}

// openIn counts the files in a directory that this process has open, be they
// removed or not. It is -1 where the system does not show that.
func openIn(dir string) (n int) {
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil || runtime.GOOS != "linux" {
		return -1
	}
	for _, f := range files {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}

// TestArchiveClosed holds that the archive is gone when the build is to be waited
// for, and however it ends before.
func TestArchiveClosed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		dry    bool
		waits  bool
		faults func(http.Handler) http.Handler
	}{
		{"it is built", false, true, func(h http.Handler) http.Handler { return h }},
		{"it is not uploaded", false, false, func(h http.Handler) http.Handler { return simulator.Answer(h, simulator.IsUpload, 403, nil, "") }},
		{"it is not built", false, false, func(h http.Handler) http.Handler { return simulator.Answer(h, creation, 400, nil, "{}") }},
		{"a dry run", true, false, func(h http.Handler) http.Handler { return h }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := source(t, "FROM scratch\n")
			r.DryRun = tt.dry
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				api := &reading{API: client(tt.faults(cloud))}
				packed := 0
				a, _ := resolve(t.Context(), api, r, handle(func(e event.Event) {
					if _, ok := e.(event.Packed); ok {
						packed = openIn(r.Source.Temp)
					}
				}))
				if a.Building() != tt.waits {
					t.Errorf("it is to be waited for: %+v", a)
				}
				if packed == 0 || openIn(r.Source.Temp) > 0 {
					t.Errorf("%d files are open when it is packed, and %d at the end", packed, openIn(r.Source.Temp))
				}
				if tt.dry != (api.body == nil) {
					t.Fatalf("uploaded: %v", api.body)
				}
				if !tt.dry {
					if _, err := api.body.(io.ReaderAt).ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrClosed) {
						t.Errorf("it is open at the end: %v", err)
					}
				}
			})
		})
	}
}

// TestPackingStopped holds that a stop while the context is packed is that, and no
// fault of the context's.
func TestPackingStopped(t *testing.T) {
	r := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		b := builder{api: client(cloud), request: r}
		stop()
		if _, err := b.pack(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestCached holds that a build which the server knows of is reported as that.
func TestCached(t *testing.T) {
	r := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		if _, _, err := resolving(t.Context(), cloud, r); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute) // it has succeeded
		none := func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/builds")
		}
		var looks atomic.Int64
		api := simulator.Answer(cloud, none, 200, nil, `{"builds":[],"total":0}`)
		artifact, events, err := resolving(t.Context(), asks(&looks, api, http.MethodGet, "/"+cloud.Builds()[0].ID), r)
		started, ok := events[len(events)-1].(event.BuildStarted)
		if err != nil || !ok || !started.Reused || looks.Load() != 0 || artifact.Building() || artifact.Build.ID != cloud.Builds()[0].ID {
			t.Errorf("got %+v, %v; reported %+v, looked at %d times", artifact.Build, err, started, looks.Load())
		}
	})
}
