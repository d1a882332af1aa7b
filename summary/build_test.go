package summary

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
)

func TestSpeed(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{speed(5<<20, 999*time.Millisecond), ""},
		{speed(5<<20, 0), ""},
		{speed(5<<20, time.Second), ", 5.0 MB/s"},
		{speed(5<<20, 10*time.Second), ", 512.0 KB/s"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}

// logged is what a log shows of the events of a build's step.
func logged(c event.Configured, events ...event.Event) string {
	var log bytes.Buffer
	r := New(&log, nil, nil)
	play(r.Handle, "bot").emit(c).in(event.Build).emit(events...)
	return log.String()
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
		if got := logged(event.Configured{}, event.Packed{Secrets: names(tt.n)}); strings.Count(got, `Skipped "name-`) != tt.kept || !strings.Contains(got, tt.more) || tt.more == "" && strings.Contains(got, "more.") {
			t.Errorf("%d kept out: %s", tt.n, got)
		}
		if got := logged(event.Configured{}, event.Packed{Irregular: names(tt.n)}); strings.Count(got, "name-") != tt.left || !strings.Contains(got, fmt.Sprintf("(%d in all)", tt.n)) {
			t.Errorf("%d left: %s", tt.n, got)
		}
		got := logged(event.Configured{}, event.Output{Source: event.BuildLog, Lines: names(tt.n)})
		if strings.Count(got, "name-") != tt.printed || !strings.Contains(got, fmt.Sprintf("name-%d\n", tt.n-1)) {
			t.Errorf("%d printed: %s", tt.n, got)
		}
		if strings.Contains(got, "more") != (tt.printed < tt.n) || tt.printed < tt.n && !strings.Contains(got, fmt.Sprintf("… %d lines more", tt.n-tt.printed)) {
			t.Errorf("%d printed: %s", tt.n, got)
		}
	}
}

// TestExcluded holds what the log says of what the rules leave out, and by which.
func TestExcluded(t *testing.T) {
	for _, tt := range []struct {
		p    event.Packed
		file string // that has build-exclude
		want string
	}{
		{event.Packed{IgnoreFile: ".dockerignore"}, "", "Excluded nothing by .dockerignore."},
		{event.Packed{IgnoreFile: ".dockerignore", Excluded: 1}, "", "Excluded 1 file or folder by .dockerignore."},
		{event.Packed{IgnoreFile: ".dockerignore", Excluded: 12, ByInput: true}, "pcc-deploy.toml", "Excluded 12 files and folders by .dockerignore, and by build-exclude in pcc-deploy.toml."},
		{event.Packed{Excluded: 2, ByInput: true}, "", "Excluded 2 files and folders by Pipecat Cloud's default list, as there is no .dockerignore, and by build-exclude."},
	} {
		asked := event.Configured{Sources: map[string]string{"build-exclude": tt.file}}
		if got := logged(asked, tt.p); !strings.Contains(got, tt.want) {
			t.Errorf("%+v: got %s, want %s", tt.p, got, tt.want)
		}
	}
}

// TestBuildShown holds how long each part of a build took in the page, what it was
// packed of, and whether it was there before.
func TestBuildShown(t *testing.T) {
	packed := event.Packed{Hash: "0123456789abcdef", Size: 1 << 20, Unpacked: 3 << 20, Files: 2, IgnoreFile: "bot.Dockerfile.dockerignore", Took: 3 * time.Second}
	const id = "123e4567-e89b-12d3-a456-426614174000"
	for _, tt := range []struct {
		name  string
		event event.Event
		want  []string // in the page
		not   string
	}{
		{"built", event.BuildStarted{ID: id}, []string{
			"| Build | `123e4567-e89b-12d3-a456-426614174000` |\n",
			"| Build context | 3.0 MB in 2 files, packed to 1.0 MB, with hash 0123456789abcdef |\n",
			"| Build | packing | 3.0s |\n| Build | uploading | 8.0s |\n"}, "built before"},
		{"known to the server", event.BuildStarted{ID: id, Reused: true}, []string{"hash 0123456789abcdef; reused |\n"}, "none"},
		{"found", event.BuildFound{ID: id, Region: "us-west"}, []string{"hash 0123456789abcdef; reused |\n"}, "none"},
	} {
		var log bytes.Buffer
		r := New(&log, nil, nil)
		p := play(r.Handle, "bot").emit(event.Configured{}).in(event.Build)
		p.after(3 * time.Second).emit(packed)
		p.after(8 * time.Second).emit(event.Uploaded{Size: 1 << 20, Took: 8 * time.Second})
		p.emit(tt.event, green(verdict.Ready))
		if !strings.Contains(log.String(), "Excluded nothing by bot.Dockerfile.dockerignore.") || !strings.Contains(log.String(), "Uploaded 1.0 MB in 8.0s, 128.0 KB/s.") {
			t.Errorf("%s: the log is %s", tt.name, log.String())
		}
		page := Page(gha.Run{}, r.records())
		for _, want := range tt.want {
			if !strings.Contains(page, want) {
				t.Errorf("%s: no %q in %s", tt.name, want, page)
			}
		}
		if strings.Contains(page, tt.not) {
			t.Errorf("%s: %q in %s", tt.name, tt.not, page)
		}
	}
}

// TestUploadShown holds that an upload that begins opens its group, and that how
// far it is follows.
func TestUploadShown(t *testing.T) {
	got := logged(event.Configured{}, event.Progress{Activity: event.Uploading, Total: 4 << 20},
		event.Progress{Activity: event.Uploading, Done: 1 << 20, Total: 4 << 20, Elapsed: 5 * time.Second},
		event.Retrying{Try: event.TryUpload, Err: errors.New("cut off"), In: 2 * time.Second},
		event.Retrying{Try: event.TryBuildRequest, Err: errors.New("lost"), In: 2 * time.Second})
	want := "Upload the build context\n  1.0 MB of 4.0 MB, 204.8 KB/s\n" +
		"  The upload failed; retrying in 2.0s: cut off\n" +
		"  The request for the build failed; retrying in 2.0s: lost\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestLatestShown holds that the latest build is shown by what is known of it.
func TestLatestShown(t *testing.T) {
	for _, tt := range []struct {
		found event.BuildFound
		want  string
	}{
		{event.BuildFound{Region: "us-west"}, "Build id is the newest successful build in us-west.\n"},
		{event.BuildFound{Region: "us-west", ContextHash: "0123"}, "Build id is the newest successful build in us-west, of context 0123.\n"},
		{event.BuildFound{Region: "us-west", CreatedAt: start.Add(-150 * time.Minute)}, "build in us-west, built 2 hours ago.\n"},
	} {
		tt.found.ID, tt.found.Latest = "id", true
		if got := logged(event.Configured{}, tt.found); !strings.Contains(got, tt.want) {
			t.Errorf("got %s, want %q", got, tt.want)
		}
		var r Record
		play(r.Add, "bot").emit(event.Configured{}, tt.found)
		if r.build != "id" {
			t.Errorf("the build is %q", r.build)
		}
	}
}

// TestRuns holds that a dry run warns of a build that may fail yet, and of no other.
func TestRuns(t *testing.T) {
	for _, tt := range []struct {
		plan  event.Planned
		warns bool
	}{
		{event.Planned{}, false},
		{event.Planned{FromBuild: true}, false},
		{event.Planned{FromBuild: true, BuildID: "id", BuildStatus: pipecat.BuildSuccess}, false},
		{event.Planned{FromBuild: true, BuildID: "id", BuildStatus: "building"}, true},
	} {
		got := logged(event.Configured{DryRun: true}, tt.plan)
		if strings.Contains(got, "Build id is building and may still fail") != tt.warns || strings.Contains(got, "may still fail") != tt.warns {
			t.Errorf("%+v: %s", tt.plan, got)
		}
	}
}
