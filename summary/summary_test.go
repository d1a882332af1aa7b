package summary

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"pipecat-cloud-deploy/internal/event"
	"pipecat-cloud-deploy/internal/gha"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/revision"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// TestMain leaves garbage for longer: to collect it would take a third of the tests' time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(400)
	m.Run()
}

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, got, want string }{
		{"code", code("ghcr.io/acme/bot:v1"), "`ghcr.io/acme/bot:v1`"},
		{"code with bars and ticks", code("a|`b`"), "<code>a\\|\\`b\\`</code>"},
		{"code with ticks", code("`b`"), "<code>\\`b\\`</code>"},
		{"no code", code(""), "–"},
		{"Markdown", md("a & b < c > d \\ * _ [x](y) | # @me $x$ ~"), "a &amp; b &lt; c &gt; d \\\\ \\* \\_ \\[x\\](y) \\| \\#&#8288; @&#8288;me \\$x\\$ \\~"},
		{"links", md("https://x www.x wWw.x GH-1 high-1"), "https:&#8288;//x www&#8288;.x wWw&#8288;.x GH&#8288;-1 high-1"},
		{"pictures", md("::warning:: a:b :+1:"), "::&#8288;warning:: a:b :&#8288;+1:"},
		{"pictures side by side", md(":a:b:c:"), ":&#8288;a:&#8288;b:&#8288;c:"},
		{"what starts a list or a line", md("- a") + md("1. b") + md("12) c") + md("===") + md("a - 1. b"), "\\- a1\\. b12\\) c\\===a - 1. b"},
		{"a cell of short words", breakable("a b-c ghcr.io/acme", 12), "a b-c ghcr.io/acme"},
		{"a cell of a long word", breakable("ghcr.io/acme/bot:v1 ok", 8), "ghcr.<wbr>io/<wbr>acme/<wbr>bot:<wbr>v1 ok"},
		{"a cell of a long word without parts", breakable("0123456789abcdef", 8), "01234567<wbr>89abcdef"},
		{"a cell of escapes", breakable("A_B|:x:&@me", 4), "A\\_<wbr>B\\|:&#8288;<wbr>x:<wbr>&amp;@&#8288;<wbr>me"},
		{"code in a cell", codeCell("ghcr.io/acme/bot:v1"), "`ghcr.io/acme/bot:v1`"},
		{"long code in a cell", codeCell("eu.gcr.io/acmeinc/my_agent@sha"), "<code>eu.<wbr>gcr.<wbr>io/<wbr>acmeinc/<wbr>my\\_<wbr>agent@&#8288;<wbr>sha</code>"},
		{"a fence", fence("a"), "```text\na\n```\n"},
		{"a longer fence", fence("a\n````\nb"), "`````text\na\n````\nb\n`````\n"},
		{"short", short("cd3d4eb4-85fd-495f-87e5-62af6c692c12"), "cd3d4eb4"},
		{"short already", short("my-id"), "my-id"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

// TestLimits holds the page under what the runner takes, and the log short.
func TestLimits(t *testing.T) {
	t.Parallel()
	for _, flood := range []string{strings.Repeat("é", 64<<10), strings.Repeat("a line\n", 20_000)} { // no text of a response is longer
		got := jobs[0].leave(t, t.TempDir(), true, flood)
		if len(got.log) > 400<<10 || len(got.page) > 500<<10 {
			t.Errorf("%.20q: a log of %d bytes and a page of %d", flood, len(got.log), len(got.page))
		}
	}
	var problems []event.Problem
	for range 2000 {
		problems = append(problems, event.Problem{Input: "image", Text: strings.Repeat("x", 1000)})
	}
	var r Record
	play(r.Add, "bot").emit(event.InvalidInputs{Problems: problems}, red(verdict.Failure{Reason: verdict.Inputs}))
	page := Page(gha.Run{}, []*Record{&r})
	if len(page) > 200<<10 || !strings.Contains(page, "- … and 1900 more\n") {
		t.Errorf("a page of %d bytes", len(page))
	}
}

// TestFit holds that the least useful parts of a summary go first, as many as
// must, and that it says so.
func TestFit(t *testing.T) {
	facts, log := strings.Repeat("facts ", 10), strings.Repeat("log ", 50)
	for _, tt := range []struct {
		room int
		want string
	}{
		{1000, "head " + facts + log},
		{150, "head " + facts + "Omitted because the summary is full: the log. See the job's log.\n"},
		{85, "head Omitted because the summary is full: the facts, the log. See the job's log.\n"},
	} {
		got := fit([]section{{"", "head ", 0}, {"the facts", facts, 2}, {"nothing", "", 1}, {"the log", log, 1}}, tt.room)
		if got != tt.want {
			t.Errorf("in %d bytes: got %q, want %q", tt.room, got, tt.want)
		}
	}
}

// TestQuoteYAML holds that a text stays the text that it is, for a reader of YAML.
func TestQuoteYAML(t *testing.T) {
	for _, s := range append(ghatest.Hostile, "it's", "'", "''", "true", "a: b", "- a", "a b", "12:34:56", "ghcr.io/acme/bot:v1", "none", "0x10") {
		want := untrusted.Cut(untrusted.Cleaner{}.Line(s), maxCell)
		var got struct{ A string }
		if err := yaml.Unmarshal([]byte("a: "+quoteYAML(want)+"\n"), &got); err != nil || got.A != want {
			t.Errorf("%.60q: read as %.200q, %v", want, got.A, err)
		}
	}
}

// TestSuperseded holds that what was seen of the target is not lost over a document
// that is about another deployment.
func TestSuperseded(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	r := New(&bytes.Buffer{}, nil, map[string]string{"GITHUB_OUTPUT": output})
	play(r.Handle, "bot").emit(event.Configured{}).in(event.Rollout).emit(
		event.Observed{Observation: revision.Observation{State: revision.State{Stage: revision.InPhase("Active"), Ready: 3}}},
		event.Observed{Observation: revision.Observation{State: revision.State{Stage: revision.Superseded}}},
		red(verdict.Failure{Status: verdict.Superseded, Reason: verdict.ReasonSuperseded, Message: "m"}))
	r.Finish(t.Context())
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	if values, err := ghatest.Outputs(string(data)); err != nil || values["ready-replicas"] != "3" {
		t.Errorf("%v, %v", values, err)
	}
}

// TestDelimiters holds that nobody can guess an output's delimiter.
func TestDelimiters(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		got := jobs[0].leave(t, t.TempDir(), true, "x")
		found := regexp.MustCompile(`(?m)<<(.*)$`).FindAllStringSubmatch(got.outputs, -1)
		if len(found) != len(OutputTable()) {
			t.Errorf("%d delimiters, want one for each output: %q", len(found), found)
		}
		for _, m := range found {
			if end := m[1]; seen[end] || len(end) < 20 {
				t.Errorf("delimiter %q", end)
			}
			seen[m[1]] = true
		}
	}
}

// TestFirstLines holds what a log begins with: the masks, and the version.
func TestFirstLines(t *testing.T) {
	var log bytes.Buffer
	r := New(&log, nil, map[string]string{"GITHUB_ACTIONS": "true"})
	r.Configure(Options{Version: "v1.2.3"})
	r.Mask("")
	r.Mask("sk_one")
	r.Mask("sk_one")
	if log.Len() > 0 {
		t.Errorf("before the first event the log has %s", log.String())
	}
	play(r.Handle, "bot").emit(event.Configured{File: "pcc-deploy.toml", FileKeys: []string{"agent_name", "image"}})
	r.Mask("two")
	play(r.Handle, "bot").emit(event.Configured{File: "sk_one/two", FileKeys: []string{"image"}})
	want := "::add-mask::sk_one\nPipecat Cloud Deploy v1.2.3\nUsing agent_name, image from pcc-deploy.toml.\n::add-mask::two\nUsing image from ***/***.\n"
	if log.String() != want {
		t.Errorf("got\n%s\nwant\n%s", log.String(), want)
	}
}

// TestFiles holds where Finish writes the page and the outputs.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	var log, out bytes.Buffer
	r := New(&out, &log, map[string]string{"GITHUB_OUTPUT": dir, "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary.md")})
	r.Configure(Options{File: filepath.Join(dir, "page.md"), JSON: true})
	play(r.Handle, "bot").emit(event.Configured{}, green(verdict.Ready))
	r.Finish(t.Context())
	if !strings.HasPrefix(out.String(), "{\n  \"status\": \"ready\",\n  \"deployment-id\": \"\",\n") {
		t.Errorf("the outputs are %s", out.String())
	}
	if want := "✓ The new version is live on bot"; !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "Warning: The outputs could not be written") {
		t.Errorf("the log is %s", log.String())
	}
	for _, name := range []string{"summary.md", "page.md"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasPrefix(string(data), "## ✓ The new version is live on bot") || !strings.Contains(string(data), "> ⚠ The outputs could not be written") {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
	}
}

// deadWriter is a log that nobody reads anymore.
type deadWriter struct{}

func (deadWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestDeadLog(t *testing.T) {
	for _, runner := range []string{"true", ""} {
		r := New(deadWriter{}, nil, map[string]string{"GITHUB_ACTIONS": runner})
		r.Mask("k")
		play(r.Handle, "bot").emit(event.Configured{}, red(verdict.Failure{Reason: verdict.API, Message: "m", Evidence: []verdict.Evidence{{From: verdict.FromContainer, Text: "d"}}}))
		r.Finish(t.Context())
	}
}

// strange is an event that nothing is known of.
type strange struct{ event.Event }

// TestSurvives holds that a fault while something is shown keeps nothing else
// from being shown, and changes no verdict.
func TestSurvives(t *testing.T) {
	dir := t.TempDir()
	output, page := filepath.Join(dir, "output"), filepath.Join(dir, "summary")
	var log bytes.Buffer
	r := New(&log, nil, map[string]string{"GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": page})
	p := play(r.Handle, "bot")
	p.emit(event.Configured{}, event.Planned{}, strange{}, nil, event.NotReverted{Err: errors.New("why")})
	r.save(t.Context(), page, func() string { panic("boom") }, "", "")
	p.emit(event.Finished{Result: verdict.Of(verdict.Ready, nil)})
	r.Finish(t.Context())
	if n := strings.Count(log.String(), "This action broke while it showed something"); n != 3 || !strings.Contains(log.String(), "Not rolled back: why.") {
		t.Errorf("%d faults are shown, want 3:\n%s", n, log.String())
	}
	for file, want := range map[string]string{output: "ready", page: "| Status | `ready` |"} {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, data)
		}
	}
}

// brokenWriter is a log whose first lines break the program.
type brokenWriter struct{ faults int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.faults--; w.faults >= 0 {
		panic("boom")
	}
	return len(p), nil
}

// TestBrokenLog holds that a fault in the log costs no outputs.
func TestBrokenLog(t *testing.T) {
	for _, faults := range []int{1, 2, 100} {
		output := filepath.Join(t.TempDir(), "output")
		r := New(&brokenWriter{faults}, nil, map[string]string{"GITHUB_OUTPUT": output})
		play(r.Handle, "bot").emit(green(verdict.Ready))
		r.Finish(t.Context())
		if data, err := os.ReadFile(output); err != nil || !strings.Contains(string(data), "status<<") || !strings.Contains(string(data), "\nready\n") {
			t.Errorf("outputs %q, %v", data, err)
		}
	}
}

// TestNoResult holds that a job which nobody finished is red, and claims nothing.
func TestNoResult(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	r := New(&bytes.Buffer{}, nil, map[string]string{"GITHUB_OUTPUT": output})
	r.Finish(t.Context())
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	values, err := ghatest.Outputs(string(data))
	if err != nil || values["status"] != "failed" || values["failure-reason"] != "internal" {
		t.Errorf("%v, %v", values, err)
	}
	var record Record
	play(record.Add, "bot").emit(event.Configured{}).in(event.Update).emit(event.Planned{Previous: "old"})
	if got := Headline(&record); got != "✗ bot: the job ended without a result" {
		t.Errorf("got %q", got)
	}
}
