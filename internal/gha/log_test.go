package gha

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pipecat-cloud-deploy/internal/gha/ghatest"
	"pipecat-cloud-deploy/internal/untrusted"
)

func TestLog(t *testing.T) {
	play := func(onRunner bool) string {
		var log bytes.Buffer
		l := NewLog(&log, onRunner)
		l.Mask("")
		l.Mask("k")
		l.EndGroup()
		l.Line("begin")
		l.Group("one")
		l.Group("two")
		l.Annotate(Annotation{Kind: Warning, Title: "t", Text: "w", File: "f", More: []string{"more"}})
		l.Foreign("a\n::error::b\n\n")
		l.EndGroup()
		l.EndGroup()
		return log.String()
	}
	for onRunner, want := range map[bool]string{
		true: "::add-mask::k\nbegin\n::group::one\n::endgroup::\n::group::two\n::warning file=f,title=t::w%0Amore\n" +
			"  │ a\n  │ ::error::b\n::endgroup::\n",
		false: "begin\none\ntwo\nWarning: w\n  more\n  │ a\n  │ ::error::b\n",
	} {
		if got := play(onRunner); got != want {
			t.Errorf("on a runner %t: got\n%s\nwant\n%s", onRunner, got, want)
		}
	}
}

// TestAnnotations holds annotations under the limits of the runner.
func TestAnnotations(t *testing.T) {
	var log bytes.Buffer
	l := NewLog(&log, true)
	for i := range 12 {
		l.Annotate(Annotation{Kind: Error, Title: "a: title, too", Text: strings.Repeat("é", 9000), File: "f:1,x", Line: i})
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if !strings.HasPrefix(lines[1], "::error file=f%3A1%2Cx,line=1,title=a%3A title%2C too::éé") || len(lines[1]) > ghatest.MaxAnnotation+60 {
		t.Errorf("got %.100s with %d bytes", lines[1], len(lines[1]))
	}
	if n := len(ghatest.Commands(log.String())); n != ghatest.MaxAnnotations || len(lines) != 12 {
		t.Errorf("%d annotations in %d lines, want 10 in 12", n, len(lines))
	}
	l.Annotate(Annotation{Kind: Notice, Title: "t", Text: "of another kind"})
	if n := len(ghatest.Commands(log.String())); n != ghatest.MaxAnnotations+1 {
		t.Errorf("%d annotations of both kinds", n)
	}
}

// deadWriter is a log that nobody reads anymore.
type deadWriter struct{}

func (deadWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestDeadLog(t *testing.T) {
	for _, onRunner := range []bool{true, false} {
		l := NewLog(deadWriter{}, onRunner)
		l.Mask("k")
		l.Line("l")
		l.Group("g")
		l.Annotate(Annotation{Kind: Error, Text: "a"})
		l.Foreign("f")
		l.EndGroup()
	}
}

// TestDelimiters holds that nobody can guess an output's delimiter.
func TestDelimiters(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		found := regexp.MustCompile(`(?m)<<(.*)$`).FindAllStringSubmatch(RenderOutputs([]Output{{"a", "b"}, {"c", "d"}}), -1)
		if len(found) != 2 {
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

// TestAppendFile holds that what is appended is on lines of its own, whatever other
// steps wrote.
func TestAppendFile(t *testing.T) {
	for before, want := range map[string]string{"": "a\n", "b\n": "b\na\n", "b": "b\na\n", "b\n\n": "b\n\na\n", "b\r\n": "b\r\na\n"} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := AppendFile(path, "a\n"); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != want {
			t.Errorf("after %q: %q, %v", before, data, err)
		}
	}
	path := filepath.Join(t.TempDir(), "new")
	if err := AppendFile(path, "a\n"); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "a\n" {
		t.Errorf("%q, %v", data, err)
	}
	if err := AppendFile(filepath.Dir(path), "a\n"); err == nil {
		t.Error("a folder was appended to")
	}
}

// TestSummaryRoom holds that a summary and what is there before it are together no
// longer than a runner shows.
func TestSummaryRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "summary")
	for _, tt := range []struct {
		before string
		want   int
	}{
		{"", MaxSummary}, {"a\n", MaxSummary - 2}, {"a", MaxSummary - 2},
		{strings.Repeat("a", MaxSummary-1), 0}, {strings.Repeat("a", MaxSummary), 0}, {strings.Repeat("a", MaxSummary+1), 0},
	} {
		if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := SummaryRoom(path); got != tt.want {
			t.Errorf("with %d bytes: %d, want %d", len(tt.before), got, tt.want)
		}
	}
	for _, other := range []string{filepath.Dir(path), path + "/none", os.DevNull} {
		if got := SummaryRoom(other); got != MaxSummary {
			t.Errorf("%s: %d", other, got)
		}
	}
}

func TestRunLine(t *testing.T) {
	for _, tt := range []struct{ server, repository, commit, file, want string }{
		{"https://github.com", "acme/bots", "abc", "src/a (1)#.py", "https://github.com/acme/bots/blob/abc/src/a%20%281%29%23.py#L7"},
		{"https://ghe.example/git", "acme/bots", "abc", "bot.py", "https://ghe.example/git/acme/bots/blob/abc/bot.py#L7"},
		{"http://github.com", "acme/bots", "abc", "bot.py", ""},
		{"https://github.com", "", "abc", "bot.py", ""},
		{"https://github.com", "acme/bots", "", "bot.py", ""},
		{"", "", "", "bot.py", ""},
		{":", "acme/bots", "abc", "bot.py", ""},
	} {
		env := Env{"GITHUB_SERVER_URL": tt.server, "GITHUB_REPOSITORY": tt.repository, "GITHUB_SHA": tt.commit}
		if got := env.Run().Line(tt.file, 7); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// FuzzLog holds that the runner obeys what is ours, and nothing else.
func FuzzLog(f *testing.F) {
	for _, s := range ghatest.Hostile {
		f.Add(s)
	}
	c := untrusted.Cleaner{Secrets: []string{ghatest.Secret}}
	f.Fuzz(func(t *testing.T, s string) {
		var log bytes.Buffer
		l := NewLog(&log, true)
		l.Line("ours: " + c.Line(s))
		l.Group("g " + c.Line(s))
		l.Annotate(Annotation{Kind: Error, Title: "t", Text: "a " + c.Line(s)})
		l.Foreign(c.Block(s))
		l.EndGroup()
		var names []string
		for _, command := range ghatest.Commands(log.String()) {
			names = append(names, command.Name)
		}
		if want := []string{"group", "error", "endgroup"}; !reflect.DeepEqual(names, want) {
			t.Errorf("%.60q: the runner obeys %q, want %q\n%.3000s", s, names, want, log.String())
		}
		if err := ghatest.Hides(log.String()); err != nil {
			t.Errorf("%.60q: the log %v", s, err)
		}
	})
}

// FuzzOutputs holds that the runner reads the outputs that were written.
func FuzzOutputs(f *testing.F) {
	for _, s := range ghatest.Hostile {
		f.Add(s)
	}
	c := untrusted.Cleaner{Secrets: []string{ghatest.Secret}}
	f.Fuzz(func(t *testing.T, s string) {
		want := map[string]string{"first": c.Line(s), "status": "ready"}
		got, err := ghatest.Outputs(RenderOutputs([]Output{{"first", want["first"]}, {"status", "ready"}}))
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%.60q: got %.300q, %v", s, got, err)
		}
	})
}
