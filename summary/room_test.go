package summary

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestStoppedFirst holds that a job which is stopped before anything is known of it has
// a headline anyway.
func TestStoppedFirst(t *testing.T) {
	var r Record
	r.Add(event.Entry{Event: event.Finished{Result: verdict.Of("", verdict.Unended())}})
	if got := Headline(&r); !strings.HasPrefix(got, "✗ the job was stopped and did not end by itself") {
		t.Errorf("got %q", got)
	}
}

// TestSummaryRoom holds that the page takes what room other writers have left of the
// job summary, and no more: all of it, without its least useful parts, the headline
// alone, or nothing, which the log reports.
func TestSummaryRoom(t *testing.T) {
	const output = "an agent's output"
	for _, tt := range []struct {
		name   string
		before int // bytes
		shows  []string
		hides  []string
		warns  bool
	}{
		{"nothing before", 0, []string{"## ✗ The new version crashed on bot", output}, []string{"Left out"}, false},
		{"half full", ghatest.MaxSummary / 2, []string{"## ✗ The new version crashed on bot", output}, []string{"Left out"}, false},
		{"nearly full", ghatest.MaxSummary - 1500, []string{"## ✗ The new version crashed on bot", "What to do", "Omitted because the summary is full: the error output"}, []string{output}, false},
		{"space for the headline", ghatest.MaxSummary - 150, []string{"## ✗ The new version crashed on bot"}, []string{output, "What to do"}, false},
		{"no space for the headline", ghatest.MaxSummary - 20, nil, []string{"##"}, true},
		{"full", ghatest.MaxSummary, nil, []string{"##"}, true},
		{"too full", ghatest.MaxSummary + 1, nil, []string{"##"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "summary")
			before := strings.Repeat("x", tt.before) // on a line without an end
			if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			r := New(&log, nil, map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": path})
			failure := verdict.Failure{Reason: verdict.Crash, Message: "it crashed", Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: strings.Repeat(output+"\n", 200)}}}
			play(r.Handle, "bot").emit(event.Configured{}, red(failure))
			r.Finish(t.Context())
			data, err := os.ReadFile(path)
			page, kept := strings.CutPrefix(string(data), before)
			if err != nil || !kept {
				t.Fatalf("what was there is not kept: %v", err)
			}
			if len(data) > max(ghatest.MaxSummary, tt.before) {
				t.Errorf("%d bytes", len(data))
			}
			if page != "" && tt.before > 0 && page[0] != '\n' {
				t.Errorf("the page does not begin a new line: %.40q", page)
			}
			for _, s := range tt.shows {
				if !strings.Contains(page, s) {
					t.Errorf("the page lacks %q:\n%.600s", s, page)
				}
			}
			for _, s := range tt.hides {
				if strings.Contains(page, s) {
					t.Errorf("the page has %q:\n%.600s", s, page)
				}
			}
			if warns := strings.Contains(log.String(), "::warning title=No job summary::The job summary is full: 1.0 MB of the 1.0 MB"); warns != tt.warns {
				t.Errorf("the log is\n%s", log.String())
			}
		})
	}
}
