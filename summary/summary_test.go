package summary

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pipecat-cloud-deploy/deploy"
	"pipecat-cloud-deploy/inputs"
	"pipecat-cloud-deploy/pipecat"
	"pipecat-cloud-deploy/poll"
	"pipecat-cloud-deploy/verdict"
)

// obeyed reads a log as the runner does, and returns what it obeys there:
// v2 commands at the start of a line after any white space, legacy ones
// anywhere in a line, \n, \r and \r\n as the ends of lines, and nothing
// between stop-commands and its token.
//
// https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
func obeyed(log string) (commands []string) {
	stopped := ""
	v2 := regexp.MustCompile(`^::([^: ]+)( [^:]*)?::(.*)$`)
	legacy := regexp.MustCompile(`##\[([^\]]+)\](.*)$`)
	for _, line := range regexp.MustCompile(`\r\n|\r|\n`).Split(log, -1) {
		m := v2.FindStringSubmatch(strings.TrimSpace(line))
		switch {
		case stopped != "":
			if m != nil && m[1] == stopped {
				stopped = ""
			}
		case m != nil && m[1] == "stop-commands":
			stopped = m[3]
		case m != nil:
			commands = append(commands, m[1])
		case legacy.MatchString(line):
			commands = append(commands, "##"+legacy.FindStringSubmatch(line)[1])
		}
	}
	return commands
}

// outputs reads GITHUB_OUTPUT by the runner's rules.
func outputs(file string) (map[string]string, error) {
	values := map[string]string{}
	lines := strings.Split(file, "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] == "" {
			continue
		}
		name, end, ok := strings.Cut(lines[i], "<<")
		if !ok || strings.Contains(name, "=") {
			return nil, fmt.Errorf("malformed line %q", lines[i])
		}
		var value []string
		for i++; i < len(lines) && lines[i] != end; i++ {
			value = append(value, lines[i])
		}
		if i == len(lines) {
			return nil, fmt.Errorf("%s has no end", name)
		}
		values[name] = strings.Join(value, "\n")
	}
	return values, nil
}

// told is what a job leaves behind.
type told struct{ log, outputs, page string }

// tell runs a job whose every text that is not ours is the given one.
func tell(t *testing.T, runner bool, foreign string) told {
	t.Helper()
	dir := t.TempDir()
	env := map[string]string{"GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary")}
	if runner {
		env["GITHUB_ACTIONS"] = "true"
	}
	var log bytes.Buffer
	r := New(&log, func(name string) string { return env[name] })
	r.Begin(inputs.Config{APIKey: "sk_secret", AgentName: "bot", Image: "a:b", Warnings: []inputs.Problem{{Input: foreign, Text: foreign, File: foreign, Line: 1}}})
	r.Deploy(deploy.Change{Name: "bot", Before: &pipecat.Agent{Region: foreign, DesiredDeploymentID: foreign}, Artefact: deploy.Artefact{Image: "a:b"}})
	r.Deploy(deploy.Held{Next: 1, Why: &pipecat.Error{Status: 409, Message: foreign, Code: foreign}})
	r.Deploy(deploy.Lost{Why: &pipecat.Error{Status: 500, Body: foreign}})
	r.Deploy(deploy.Taken{ID: foreign, Previous: "old", Agent: &pipecat.Agent{Region: foreign, Warning: "careful: " + foreign}})
	look := poll.Look{Stage: foreign, Reason: foreign, Serving: poll.ServesPrevious, Server: foreign, Ready: 1, Restarts: 1}
	exit := 1
	r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{CurrentRevision: &pipecat.Revision{DeploymentID: foreign, Health: &pipecat.Health{LastExitCode: &exit}}}, Look: look, Changed: true})
	r.Poll(poll.Alive{Stage: foreign})
	r.Poll(poll.Away{Err: &pipecat.Error{Status: 502, Body: foreign}})
	r.Poll(poll.Back{})
	r.Poll(poll.Trouble{})
	r.Poll(poll.BuildSeen{Build: &pipecat.Build{Status: foreign}})
	r.Finish(verdict.Verdict{Status: verdict.Failed, Reason: verdict.Crash, Message: "it crashes: " + foreign, Detail: "first\n" + foreign + "\nlast"})
	read := func(name string) string {
		data, err := os.ReadFile(env[name])
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	return told{log.String(), read("GITHUB_OUTPUT"), read("GITHUB_STEP_SUMMARY")}
}

// ours are the commands that such a job prints by itself.
var ours = []string{"add-mask", "warning", "group", "warning", "warning", "endgroup", "group", "warning", "warning", "endgroup", "group", "endgroup", "error"}

var attacks = []string{
	"harmless",
	"", " ", "\n", "\r", "\r\n", "\x00",
	"::error::forged", "  ::error::forged", "\n::error::forged", "\r::error::forged", "\r\n\t::set-output name=status::ready",
	"##[error]forged", "x ##[group]forged", "##\x1b[0m[error]forged", "#\x00#[error]", "##\u200b[error]",
	"::stop-commands::x\n::x::\n::error::forged",
	"status=ready", "x<<EOF\nEOF\nstatus=ready", "_GitHubActionsFileCommandDelimeter_",
	"```\n# forged", "````````\n</details>", "`|`", "a | b | c", "<script>alert(1)</script>", "<!-- ", "![x](https://evil.example/x.png)",
	"https://evil.example", "www.evil.example", "@everyone #1", "$x$", "\\", "**bold**",
	"\x1b[2J\x1b]0;title\x07hidden\x1b[8m", "\x1b", "\u009b31m", "\u202egnp.exe", "\ufeff", "\xff\xfe",
	"the key is sk_secret", "sk_\x1b[0msecret", "sk_\u200bsecret",
	strings.Repeat("long ", 10_000), strings.Repeat("\n", 20_000), strings.Repeat("`", 5000), strings.Repeat("é", 150_000),
}

func checkTold(t *testing.T, foreign string) {
	t.Helper()
	for _, runner := range []bool{true, false} {
		got := tell(t, runner, foreign)
		commands := obeyed(got.log)
		want := ours
		if !runner {
			want = nil
		}
		// Equal neighbours of a group may fall together, so compare without groups.
		if a, b := noGroups(commands), noGroups(want); a != b {
			t.Errorf("%.60q: the runner obeys\n%s, want\n%s", foreign, a, b)
		}
		masked := strings.Replace(got.log, "::add-mask::sk_secret\n", "", 1)
		for where, text := range map[string]string{"log": masked, "outputs": got.outputs, "summary": got.page} {
			if strings.Contains(text, "sk_secret") {
				t.Errorf("%.60q: the %s shows the key", foreign, where)
			}
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\x1b\x00\u202e\u200b") {
				t.Errorf("%.60q: the %s has bytes that hide something", foreign, where)
			}
		}
		for line := range strings.Lines(got.log) {
			if _, data, ok := strings.Cut(strings.TrimPrefix(line, "::"), "::"); ok && strings.HasPrefix(line, "::") && len(data) > 4096 {
				t.Errorf("%.60q: an annotation of %d bytes", foreign, len(data))
			}
		}
		values, err := outputs(got.outputs)
		if err != nil || len(values) != len(Outputs()) || values["status"] != "failed" || values["failure-reason"] != "crash" {
			t.Errorf("%.60q: outputs %v, %v", foreign, values, err)
		}
		if len(got.page) >= 1<<20 {
			t.Errorf("%.60q: a summary of %d bytes", foreign, len(got.page))
		}
		if err := structure(got.page); err != nil {
			t.Errorf("%.60q: %v\n%.3000s", foreign, err, got.page)
		}
	}
}

func noGroups(commands []string) string {
	var kept []string
	for _, c := range commands {
		if c != "group" && c != "endgroup" {
			kept = append(kept, c)
		}
	}
	return strings.Join(kept, " ")
}

// structure finds what is not of this page's making: a heading but the first,
// a fence but one, a row of more or fewer cells than two, HTML, a link.
func structure(page string) error {
	var headings, fences int
	fence := ""
	for _, line := range strings.Split(page, "\n") {
		if fence != "" {
			if strings.TrimSpace(line) == fence {
				fence = ""
			}
			continue
		}
		switch {
		case strings.HasPrefix(line, "```"):
			fence = strings.TrimRight(line, "tex")
			fences++
		case strings.HasPrefix(line, "#"):
			headings++
		case strings.HasPrefix(line, "|"):
			if n := len(regexp.MustCompile(`(^|[^\\])\|`).FindAllString(line, -1)); n != 3 {
				return fmt.Errorf("a row with %d bars: %.80q", n, line)
			}
		}
		bare := regexp.MustCompile("`[^`]*`").ReplaceAllString(line, "")
		bare = strings.NewReplacer("<code>", "", "</code>", "").Replace(bare)
		if m := regexp.MustCompile(`<|(^|[^\\])\[|https?://|(?i)www\.|@\w`).FindString(bare); m != "" {
			return fmt.Errorf("%q in %.80q", m, line)
		}
	}
	if headings != 1 || fences != 1 || fence != "" {
		return fmt.Errorf("%d headings, %d fences, left open: %q", headings, fences, fence)
	}
	return nil
}

func TestHostileText(t *testing.T) {
	for _, foreign := range attacks {
		checkTold(t, foreign)
	}
}

func FuzzHostileText(f *testing.F) {
	for _, foreign := range attacks {
		if len(foreign) < 1000 {
			f.Add(foreign)
		}
	}
	f.Fuzz(checkTold)
}

func TestText(t *testing.T) {
	r := &Report{}
	for _, tt := range []struct{ name, got, want string }{
		{"plain text stays", r.block("Traceback:\n\tx = 'ü 👩‍🚀'"), "Traceback:\n\tx = 'ü 👩‍🚀'"},
		{"colours go", r.block("\x1b[1;31mError\x1b[0m"), "Error"},
		{"titles go", r.block("\x1b]0;x\x07a\x1b]8;;http://x\x1b\\b"), "ab"},
		{"line ends are one", r.block("a\r\nb\rc\u2028d"), "a\nb\nc\nd"},
		{"legacy commands come apart", r.block("##[error]"), "## [error]"},
		{"what hides shows", r.block("a\u202eb\x00c\xff"), "a\uFFFDb\uFFFDc\uFFFD"},
		{"one line", r.line(" a\n\n b\t c "), "a b c"},
		{"code", code("ghcr.io/acme/bot:v1"), "`ghcr.io/acme/bot:v1`"},
		{"code with bars and ticks", code("a|`b`"), "<code>a\\|\\`b\\`</code>"},
		{"code with ticks", code("`b`"), "<code>\\`b\\`</code>"},
		{"no code", code(""), "–"},
		{"Markdown", md("a & b < c > d \\ * _ [x](y) | # @me $x$ ~"), "a &amp; b &lt; c &gt; d \\\\ \\* \\_ \\[x\\](y) \\| \\#&#8288; @&#8288;me \\$x\\$ \\~"},
		{"links", md("https://x www.x"), "https:&#8288;//x www&#8288;.x"},
		{"pictures", md("::warning:: a:b :+1:"), "::&#8288;warning:: a:b :&#8288;+1:"},
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
	flood := tell(t, true, strings.Repeat("é", 400_000))
	if len(flood.log) > 200<<10 || len(flood.page) > 400<<10 {
		t.Errorf("a log of %d bytes and a summary of %d", len(flood.log), len(flood.page))
	}
	var log bytes.Buffer
	r := New(&log, func(string) string { return "" })
	var problems []inputs.Problem
	for range 2000 {
		problems = append(problems, inputs.Problem{Input: "image", Text: strings.Repeat("x", 1000)})
	}
	r.Problems(problems)
	page := r.page(verdict.Verdict{Status: verdict.Failed, Reason: verdict.Inputs})
	if len(page) > 1<<20 || !strings.Contains(page, "too long for the page") {
		t.Errorf("a summary of %d bytes", len(page))
	}
}

// TestSuperseded holds that what was seen of ours is not lost over a document
// that is about another's.
func TestSuperseded(t *testing.T) {
	output := filepath.Join(t.TempDir(), "output")
	r := New(&bytes.Buffer{}, func(name string) string { return map[string]string{"GITHUB_OUTPUT": output}[name] })
	r.Begin(inputs.Config{AgentName: "bot"})
	r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{}, Look: poll.Look{Stage: "Active", Ready: 3}})
	r.Poll(poll.AgentSeen{Agent: &pipecat.Agent{}, Look: poll.Look{Stage: poll.Superseded}})
	r.Finish(verdict.Verdict{Status: verdict.Superseded, Reason: verdict.Replaced, Message: "m"})
	data, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	if values, err := outputs(string(data)); err != nil || values["ready-replicas"] != "3" {
		t.Errorf("%v, %v", values, err)
	}
}

// TestDelimiters holds that nobody can know an output's delimiter beforehand.
func TestDelimiters(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		for line := range strings.Lines(tell(t, true, "x").outputs) {
			if _, end, ok := strings.Cut(line, "<<"); ok {
				if seen[end] || len(end) < 20 {
					t.Errorf("delimiter %q", end)
				}
				seen[end] = true
			}
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
	if n := len(obeyed(log.String())); n != 10 || len(lines) != 12 {
		t.Errorf("%d annotations in %d lines, want 10 in 12", n, len(lines))
	}
}

// deadWriter is a log that nobody reads any more.
type deadWriter struct{}

func (deadWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestDeadLog(t *testing.T) {
	for _, runner := range []string{"true", ""} {
		r := New(deadWriter{}, func(name string) string { return map[string]string{"GITHUB_ACTIONS": runner}[name] })
		r.Begin(inputs.Config{APIKey: "k", AgentName: "bot"})
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
	r.Begin(inputs.Config{AgentName: "bot"})
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
