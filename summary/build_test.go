package summary

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

func TestMeasures(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{size(0), "0 bytes"},
		{size(1), "1 byte"},
		{size(1023), "1023 bytes"},
		{size(1 << 10), "1.0 KiB"},
		{size(1<<20 - 1), "1024.0 KiB"},
		{size(1 << 20), "1.0 MiB"},
		{size(500 << 20), "500.0 MiB"},
		{speed(5<<20, 999*time.Millisecond), ""},
		{speed(5<<20, 0), ""},
		{speed(5<<20, time.Second), ", 5.0 MiB/s"},
		{speed(5<<20, 10*time.Second), ", 512.0 KiB/s"},
		{age(-time.Hour), "less than a minute"},
		{age(59 * time.Second), "less than a minute"},
		{age(time.Minute), "1 minute"},
		{age(119 * time.Minute), "119 minutes"},
		{age(2 * time.Hour), "2 hours"},
		{age(47 * time.Hour), "47 hours"},
		{age(48 * time.Hour), "2 days"},
		{age(24 * 400 * time.Hour), "400 days"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// building is a report that tells to a log without a runner.
func building(cfg config.Config) (*Report, *bytes.Buffer) {
	var log bytes.Buffer
	r := New(&log, func(string) string { return "" })
	r.Begin(cfg)
	return r, &log
}

// TestLists holds that long lists of names, and a build that prints much at once,
// are cut in the log, where it says so.
func TestLists(t *testing.T) {
	names := func(n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("name-%d", i))
		}
		return all
	}
	for _, tt := range []struct {
		n                   int
		kept, left, printed int // that are shown
		more                string
	}{
		{1, 1, 1, 1, ""},
		{20, 20, 20, 20, ""},
		{21, 20, 20, 21, "… and 1 more."},
		{45, 20, 20, 40, "… and 25 more."},
	} {
		r, log := building(config.Config{AgentName: "bot"})
		r.Deploy(deploy.Packed{Archive: &buildcontext.Archive{KeptOut: names(tt.n)}})
		if got := log.String(); strings.Count(got, "name-") != tt.kept || !strings.Contains(got, tt.more) || tt.more == "" && strings.Contains(got, "more.") {
			t.Errorf("%d kept out: %s", tt.n, got)
		}
		log.Reset()
		r.Deploy(deploy.Packed{Archive: &buildcontext.Archive{Left: names(tt.n)}})
		if got := log.String(); strings.Count(got, "name-") != tt.left || !strings.Contains(got, fmt.Sprintf("(%d in all)", tt.n)) {
			t.Errorf("%d left: %s", tt.n, got)
		}
		log.Reset()
		r.Poll(poll.BuildPrinted{Lines: names(tt.n)})
		got := log.String()
		if strings.Count(got, "name-") != tt.printed || !strings.Contains(got, fmt.Sprintf("name-%d\n", tt.n-1)) {
			t.Errorf("%d printed: %s", tt.n, got)
		}
		if strings.Contains(got, "more") != (tt.printed < tt.n) || tt.printed < tt.n && !strings.Contains(got, fmt.Sprintf("… %d lines more", tt.n-tt.printed)) {
			t.Errorf("%d printed: %s", tt.n, got)
		}
	}
}

// TestBuildShown holds how long each part of a build took in the summary, what it
// was packed of, and whether it was there before.
func TestBuildShown(t *testing.T) {
	archive := &buildcontext.Archive{Hash: "0123456789abcdef", Size: 1 << 20, Unpacked: 3 << 20, Files: 2, IgnoreFile: "bot.Dockerfile.dockerignore"}
	build := &pipecat.Build{ID: "123e4567-e89b-12d3-a456-426614174000", Region: "us-west"}
	for _, tt := range []struct {
		name   string
		events []deploy.Event
		want   []string // in the summary
		not    string
	}{
		{"built", []deploy.Event{deploy.Created{Build: build}}, []string{
			"| Build | `123e4567-e89b-12d3-a456-426614174000` |\n",
			"| Build context | 3.0 MiB in 2 files, packed to 1.0 MiB, with hash 0123456789abcdef |\n",
			"| Build | packing | 3.0s |\n| Build | uploading | 8.0s |\n"}, "built before"},
		{"known to the server", []deploy.Event{deploy.Created{Build: build, Cached: true}}, []string{"hash 0123456789abcdef; built before |\n"}, "none"},
		{"found", []deploy.Event{deploy.Found{Build: build}}, []string{"hash 0123456789abcdef; built before |\n"}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, log := building(config.Config{AgentName: "bot", Build: config.Build{FromSource: true}})
				time.Sleep(3 * time.Second)
				r.Deploy(deploy.Packed{Archive: archive, Took: 3 * time.Second})
				time.Sleep(8 * time.Second)
				r.Deploy(deploy.Uploaded{Size: 1 << 20, Took: 8 * time.Second})
				for _, e := range tt.events {
					r.Deploy(e)
				}
				if !strings.Contains(log.String(), `What "bot.Dockerfile.dockerignore" names stays out.`) || !strings.Contains(log.String(), "Uploaded 1.0 MiB in 8.0s, 128.0 KiB/s.") {
					t.Errorf("the log is %s", log)
				}
				page := r.page(verdict.Verdict{Status: verdict.Ready})
				for _, want := range tt.want {
					if !strings.Contains(page, want) {
						t.Errorf("no %q in %s", want, page)
					}
				}
				if strings.Contains(page, tt.not) {
					t.Errorf("%q in %s", tt.not, page)
				}
			})
		})
	}
}

// TestLatestShown holds that the latest build is told by what is known of it.
func TestLatestShown(t *testing.T) {
	for _, tt := range []struct {
		build pipecat.Build
		want  string
	}{
		{pipecat.Build{Region: "us-west"}, "Build id is the newest in us-west that succeeded.\n"},
		{pipecat.Build{Region: "us-west", ContextHash: "0123"}, "Build id is the newest in us-west that succeeded, of context 0123.\n"},
		{pipecat.Build{Region: "us-west", CreatedAt: pipecat.Time{Time: time.Now().Add(-150 * time.Minute)}}, "that succeeded, made 2 hours ago.\n"},
	} {
		r, log := building(config.Config{AgentName: "bot", Build: config.Build{Latest: true}})
		if r.build != "" {
			t.Errorf("build %q is known before it is found", r.build)
		}
		tt.build.ID = "id"
		r.Deploy(deploy.Found{Build: &tt.build, Latest: true})
		if !strings.Contains(log.String(), tt.want) || r.build != "id" {
			t.Errorf("got %s, want %q", log, tt.want)
		}
	}
}

// TestRuns holds that a dry run warns of a build that may fail yet, and of no other.
func TestRuns(t *testing.T) {
	for _, tt := range []struct {
		build *pipecat.Build
		warns bool
	}{
		{nil, false},
		{&pipecat.Build{}, false},
		{&pipecat.Build{ID: "id", Status: pipecat.BuildSuccess}, false},
		{&pipecat.Build{ID: "id", Status: "building"}, true},
	} {
		r, log := building(config.Config{AgentName: "bot", DryRun: true})
		r.Deploy(deploy.Change{Name: "bot", Artefact: deploy.Artefact{Build: tt.build}})
		if got := strings.Contains(log.String(), "may fail yet"); got != tt.warns {
			t.Errorf("%+v: %s", tt.build, log)
		}
	}
}
