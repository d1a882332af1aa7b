package deploy

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/simulator"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

// TestManyProblems holds that what keeps a context from being packed is told whole,
// each on a line.
func TestManyProblems(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	cfg.Build.Exclude = []string{"a[", "b["}
	c := client(&simulator.Cloud{})
	_, err := Resolve(t.Context(), c, cfg, c, func(Event) {}, func(poll.Event) {})
	v := verdict.Of(err)
	if v.Reason != verdict.Inputs || strings.Contains(v.Message, "\n") || strings.Count(v.Detail, "\n") < 1 {
		t.Errorf("got %q, %q", v.Message, v.Detail)
	}
}

// TestRefusedUpload holds that what the bucket said is in the verdict.
func TestRefusedUpload(t *testing.T) {
	for _, tt := range []struct{ answer, code, detail string }{
		{`<Error><Code>EntityTooLarge</Code><Message>too large</Message></Error>`, "EntityTooLarge", ""},
		{"<html>a proxy\nsays no</html>", "", "<html>a proxy\nsays no</html>"},
	} {
		cfg := source(t, "FROM scratch\n")
		synctest.Test(t, func(t *testing.T) {
			cloud := &simulator.Cloud{}
			cloud.AddAgent("bot", "us-west", "acme/bot:v1")
			_, _, err := resolving(t.Context(), simulator.Answer(cloud, simulator.IsUpload, 400, nil, tt.answer), cfg)
			var v *verdict.Verdict
			if !errors.As(err, &v) || v.Code != tt.code || v.Detail != tt.detail {
				t.Errorf("%q: got %+v", tt.answer, v)
			}
		})
	}
}

// TestMoves holds that a slow upload is told of, and not too often.
func TestMoves(t *testing.T) {
	cfg := source(t, "FROM scratch\n#"+strings.Repeat("0123456789abcdef", 64))
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		var last Uploading
		told, uploaded := 0, time.Duration(0)
		c := client(simulator.Slow(cloud, simulator.IsUpload, 64, time.Second))
		_, err := Resolve(t.Context(), c, cfg, c, func(e Event) {
			switch e := e.(type) {
			case Uploading:
				if e.Sent == 0 { // it begins
					return
				}
				if told++; e.Elapsed-last.Elapsed < movesEvery || e.Sent < last.Sent || e.Sent > e.Size {
					t.Errorf("%+v after %+v", e, last)
				}
				last = e
			case Uploaded:
				uploaded = e.Took
			}
		}, func(poll.Event) {})
		if err != nil || told == 0 || told > int(uploaded/movesEvery) {
			t.Errorf("%d times in %s; %v", told, uploaded, err)
		}
	})
}

// TestPackedAs holds that a build is of what the inputs say, and that nothing of it
// is left, nor elsewhere meanwhile.
func TestPackedAs(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	for _, name := range []string{"bots/a/deploy/Dockerfile.prod", "bots/a/bot.py", "bots/a/notes.md", "bots/b/bot.py"} {
		path := filepath.Join(cfg.Workspace, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Build.Context, cfg.Build.Dockerfile, cfg.Build.Exclude = "bots/a", "deploy/Dockerfile.prod", []string{"*.md"}
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		artefact, _, err := resolving(t.Context(), cloud, cfg)
		if err != nil || artefact.Build.DockerfilePath != "deploy/Dockerfile.prod" {
			t.Fatalf("got %+v, %v", artefact.Build, err)
		}
		if names := strings.Join(cloud.Uploads()[0].Names, " "); names != "bot.py deploy/ deploy/Dockerfile.prod" {
			t.Errorf("packed %s", names)
		}
		if left, err := os.ReadDir(cfg.Build.Temp); err != nil || len(left) > 0 {
			t.Errorf("left %v, %v", left, err)
		}
	})
	cfg.Build.Context = filepath.Dir(cfg.Workspace)
	if _, _, err := resolving(t.Context(), &simulator.Cloud{}, cfg); err == nil || !strings.Contains(err.Error(), "is outside of the workspace") {
		t.Errorf("a context around the workspace: %v", err)
	}
}

// TestArchiveClosed holds that the archive is gone while its build runs, and
// however a build ends.
func TestArchiveClosed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		dry    bool
		faults func(http.Handler) http.Handler
	}{
		{"it is built", false, func(h http.Handler) http.Handler { return h }},
		{"it is not uploaded", false, func(h http.Handler) http.Handler { return simulator.Answer(h, simulator.IsUpload, 403, nil, "") }},
		{"it is not built", false, func(h http.Handler) http.Handler { return simulator.Answer(h, creation, 400, nil, "{}") }},
		{"a dry run", true, func(h http.Handler) http.Handler { return h }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := source(t, "FROM scratch\n")
			cfg.DryRun = tt.dry
			synctest.Test(t, func(t *testing.T) {
				cloud := &simulator.Cloud{}
				cloud.AddAgent("bot", "us-west", "acme/bot:v1")
				var archive *buildcontext.Archive
				closed := func() bool {
					_, err := archive.Reader().Read(make([]byte, 1))
					return errors.Is(err, os.ErrClosed)
				}
				c := client(tt.faults(cloud))
				_, _ = Resolve(t.Context(), c, cfg, c, func(e Event) {
					if e, ok := e.(Packed); ok {
						archive = e.Archive
					}
				}, func(poll.Event) {
					if !closed() {
						t.Error("it is open while its build runs")
					}
				})
				if !closed() {
					t.Error("it is open at the end")
				}
			})
		})
	}
}

// TestPackingStopped holds that a stop while the context is packed is that, and no
// fault of the context's.
func TestPackingStopped(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		b := builder{api: client(cloud), cfg: cfg, report: func(Event) {}}
		stop()
		if _, err := b.pack(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
}

// TestCached holds that a build which the server knows of is told as that.
func TestCached(t *testing.T) {
	cfg := source(t, "FROM scratch\n")
	synctest.Test(t, func(t *testing.T) {
		cloud := &simulator.Cloud{}
		cloud.AddAgent("bot", "us-west", "acme/bot:v1")
		if _, _, err := resolving(t.Context(), cloud, cfg); err != nil {
			t.Fatal(err)
		}
		none := func(r *http.Request) bool {
			return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/builds")
		}
		var looks atomic.Int64
		api := simulator.Answer(cloud, none, 200, nil, `{"builds":[],"total":0}`)
		artefact, events, err := resolving(t.Context(), asks(&looks, api, http.MethodGet, "/"+cloud.Builds()[0].ID), cfg)
		created, ok := events[len(events)-1].(Created)
		if err != nil || !ok || !created.Cached || looks.Load() != 0 || artefact.Build.ID != cloud.Builds()[0].ID {
			t.Errorf("got %+v, %v; told %+v, looked at %d times", artefact.Build, err, created, looks.Load())
		}
	})
}
