package summary

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/internal/config"
	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/pipecat"
	"pipecat-cloud-deploy/internal/verdict"
	"pipecat-cloud-deploy/poll"
)

func TestText(t *testing.T) {
	r := &Report{}
	for _, tt := range []struct{ name, got, want string }{
		{"plain text stays", r.block("Traceback:\n\tx = 'ü 👩‍🚀'"), "Traceback:\n\tx = 'ü 👩‍🚀'"},
		{"colours go", r.block("\x1b[1;31mError\x1b[0m"), "Error"},
		{"titles go", r.block("\x1b]0;x\x07a\x1b]8;;http://x\x1b\\b"), "ab"},
		{"a title without an end hides nothing", r.block("\x1b]0;x\x1b]a\nb\x07"), "0;xa\nb\uFFFD"},
		{"line ends are one", r.block("a\r\nb\rc\u2028d"), "a\nb\nc\nd"},
		{"legacy commands come apart", r.block("##[error]"), "## [error]"},
		{"what hides shows", r.block("a\u202eb\x00c\xff"), "a\uFFFDb\uFFFDc\uFFFD"},
		{"one line", r.line(" a\n\n b\t c "), "a b c"},
		{"code", code("ghcr.io/acme/bot:v1"), "`ghcr.io/acme/bot:v1`"},
		{"code with bars and ticks", code("a|`b`"), "<code>a\\|\\`b\\`</code>"},
		{"code with ticks", code("`b`"), "<code>\\`b\\`</code>"},
		{"no code", code(""), "–"},
		{"Markdown", md("a & b < c > d \\ * _ [x](y) | # @me $x$ ~"), "a &amp; b &lt; c &gt; d \\\\ \\* \\_ \\[x\\](y) \\| \\#&#8288; @&#8288;me \\$x\\$ \\~"},
		{"links", md("https://x www.x wWw.x GH-1 high-1"), "https:&#8288;//x www&#8288;.x wWw&#8288;.x GH&#8288;-1 high-1"},
		{"pictures", md("::warning:: a:b :+1:"), "::&#8288;warning:: a:b :&#8288;+1:"},
		{"pictures side by side", md(":a:b:c:"), ":&#8288;a:&#8288;b:&#8288;c:"},
		{"what starts a list or a line", md("- a") + md("1. b") + md("12) c") + md("===") + md("a - 1. b"), "\\- a1\\. b12\\) c\\===a - 1. b"},
		{"a fence", fence("a"), "```text\na\n```\n"},
		{"a longer fence", fence("a\n````\nb"), "`````text\na\n````\nb\n`````\n"},
		{"cut", cut("abcdef", 5), "ab…"},
		{"cut between letters", cut("aééé", 6), "aé…"},
		{"not cut", cut("abc", 3), "abc"},
		{"cut in the middle", cutMiddle("one\ntwo\nthree\nfour\n", 12), "one\n[… 11 bytes cut out here …]\nfour\n"},
		{"short", short("cd3d4eb4-85fd-495f-87e5-62af6c692c12"), "cd3d4eb4"},
		{"short already", short("my-id"), "my-id"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

// TestLimits holds the summary under what the runner takes, and the log short.
func TestLimits(t *testing.T) {
	for _, flood := range []string{strings.Repeat("é", 64<<10), strings.Repeat("a line\n", 20_000)} { // no text of an answer is longer
		got := jobs[0].tell(t, true, flood)
		if len(got.log) > 400<<10 || len(got.page) > 500<<10 {
			t.Errorf("%.20q: a log of %d bytes and a summary of %d", flood, len(got.log), len(got.page))
		}
	}
	var log bytes.Buffer
	r := New(&log, func(string) string { return "" })
	var problems []config.Problem
	for range 2000 {
		problems = append(problems, config.Problem{Input: "image", Text: strings.Repeat("x", 1000)})
	}
	r.Problems(problems)
	page := r.page(verdict.Verdict{Status: verdict.Failed, Reason: verdict.Inputs})
	if len(page) > 200<<10 || !strings.Contains(page, "- … and 1900 more\n") {
		t.Errorf("a summary of %d bytes", len(page))
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
		{150, "head " + facts + "Left out for want of room: the log. The job's log has more.\n"},
		{85, "head Left out for want of room: the facts, the log. The job's log has more.\n"},
	} {
		got := fit([]section{{"", "head ", 0}, {"the facts", facts, 2}, {"nothing", "", 1}, {"the log", log, 1}}, tt.room)
		if got != tt.want {
			t.Errorf("in %d bytes: got %q, want %q", tt.room, got, tt.want)
		}
	}
}

// TestShell holds that a word stays the one word that it is, for a real shell.
func TestShell(t *testing.T) {
	for _, s := range append(attacks, "it's", "'", "''", "$(exit 1)", "`exit 1`", "-n", "a b") {
		want := cut((&Report{}).line(s), maxCell)
		out, err := exec.Command("sh", "-c", "printf %s\\| -- "+shell(want)).Output()
		if err != nil || string(out) != "--|"+want+"|" {
			t.Errorf("%.60q: the shell sees %.200q, %v", want, out, err)
		}
	}
}

// TestSuperseded holds that what was seen of ours is not lost over a document
// that is about another's.
func TestSuperseded(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	r := New(&bytes.Buffer{}, func(name string) string { return map[string]string{"GITHUB_OUTPUT": output}[name] })
	r.Begin(config.Config{AgentName: "bot"})
	r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{}, Look: poll.Look{Stage: "Active", Ready: 3}})
	r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{}, Look: poll.Look{Stage: poll.Superseded}})
	r.Finish(verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced, Message: "m"})
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	if values, err := ghatest.Outputs(string(data)); err != nil || values["ready-replicas"] != "3" {
		t.Errorf("%v, %v", values, err)
	}
}

// TestDelimiters holds that nobody can know an output's delimiter beforehand,
// nor a token that ends stop-commands.
func TestDelimiters(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		got := jobs[0].tell(t, true, "x")
		found := regexp.MustCompile(`(?m)(?:<<|^::stop-commands::)(.*)$`).FindAllStringSubmatch(got.outputs+got.log, -1)
		if len(found) != len(Outputs())+2 {
			t.Errorf("%d delimiters, want one for each output and two tokens: %q", len(found), found)
		}
		for _, m := range found {
			if end := m[1]; seen[end] || len(end) < 20 {
				t.Errorf("delimiter %q", end)
			}
			seen[m[1]] = true
		}
	}
}

func TestAnnotations(t *testing.T) {
	var log bytes.Buffer
	l := newLog(&log, true)
	for i := range 12 {
		l.annotate(errorKind, "a: title, too", strings.Repeat("é", 9000), place{"f:1,x", i})
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if !strings.HasPrefix(lines[1], "::error file=f%3A1%2Cx,line=1,title=a%3A title%2C too::éé") || len(lines[1]) > 4096+60 {
		t.Errorf("got %.100s with %d bytes", lines[1], len(lines[1]))
	}
	if n := len(ghatest.Commands(log.String())); n != 10 || len(lines) != 12 {
		t.Errorf("%d annotations in %d lines, want 10 in 12", n, len(lines))
	}
}

// deadWriter is a log that nobody reads any more.
type deadWriter struct{}

func (deadWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestDeadLog(t *testing.T) {
	for _, runner := range []string{"true", ""} {
		r := New(deadWriter{}, func(name string) string { return map[string]string{"GITHUB_ACTIONS": runner}[name] })
		r.Begin(config.Config{APIKey: "k", AgentName: "bot"})
		r.Finish(verdict.Verdict{Status: verdict.Failed, Reason: verdict.API, Message: "m", Detail: "d"})
	}
}

// TestSurvives holds that a fault while something is shown keeps nothing else
// from being shown, and changes no verdict.
func TestSurvives(t *testing.T) {
	dir := t.TempDir()
	output, page := filepath.Join(dir, "output"), filepath.Join(dir, "summary")
	var log bytes.Buffer
	r := New(&log, func(name string) string {
		return map[string]string{"GITHUB_OUTPUT": output, "GITHUB_STEP_SUMMARY": page}[name]
	})
	r.Begin(config.Config{AgentName: "bot"})
	r.Deploy(deploy.Taken{ID: "new", Previous: "old"}) // without the agent that comes with it
	r.Poll(poll.BuildSeen{})                           // without the build
	r.change = &deploy.Change{}
	r.save(page, func(verdict.Verdict) string { panic("boom") }, verdict.Verdict{}, "", "")
	r.Finish(verdict.Verdict{Status: verdict.Ready})
	if n := strings.Count(log.String(), "This action broke while it showed something"); n != 3 {
		t.Errorf("%d faults are told, want 3:\n%s", n, log.String())
	}
	for file, want := range map[string]string{output: "ready", page: "| Status | `ready` |"} {
		if data, err := os.ReadFile(file); err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v\n%s", filepath.Base(file), err, data)
		}
	}
}

// brokenWriter is a log whose first line breaks the program.
type brokenWriter struct{ used bool }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if !w.used {
		w.used = true
		panic("boom")
	}
	return len(p), nil
}

// TestBrokenLog holds that a fault in the log costs no outputs.
func TestBrokenLog(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	r := New(&brokenWriter{}, func(name string) string { return map[string]string{"GITHUB_OUTPUT": output}[name] })
	r.Finish(verdict.Verdict{Status: verdict.Ready})
	if data, err := os.ReadFile(output); err != nil || !strings.Contains(string(data), "status<<") {
		t.Errorf("outputs %q, %v", data, err)
	}
}
