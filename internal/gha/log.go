package gha

// What a runner obeys, and how this package keeps foreign text from being obeyed:
//
//  1. A line is a command when ::name::, with a name that the runner knows, is
//     the first thing in it after white space; a legacy command, ##[name], works
//     anywhere in a line. Names have no case, and \r ends a line, too.
//  2. So a line begins with a text of ours (Line) or a prefix of ours (Foreign),
//     and what is foreign has gone through untrusted, which leaves no \r and no ##[.
//  3. Command data and properties are escaped by go-githubactions (Group, Annotate).
//  4. So no block needs ::stop-commands::, which runners show.
//  5. Ten annotations of a kind count in a step, and 4,096 characters in each; the
//     rest is written here as plain text, as the runner would.
//  6. An output's delimiter is random, too, and is not in its value (RenderOutputs).

import (
	"fmt"
	"io"
	"strings"

	"github.com/sethvargo/go-githubactions"

	"pipecat-cloud-deploy/internal/untrusted"
)

const (
	maxAnnotation  = 4000     // bytes
	maxAnnotations = 10       // of a kind, in a step
	maxTitle       = 200      // bytes
	maxFile        = 1000     // bytes of a file's name
	maxBlock       = 64 << 10 // bytes
)

// Log writes a job's log: for a GitHub runner with its commands, else as plain
// text. It is not safe for concurrent use.
type Log struct {
	w      io.Writer
	action *githubactions.Action // nil: there is no runner
	open   bool                  // a group is
	issued map[Kind]int          // annotations
}

// NewLog is a log to w.
func NewLog(w io.Writer, onRunner bool) *Log {
	l := &Log{w: w, issued: map[Kind]int{}}
	if onRunner {
		l.action = githubactions.New(githubactions.WithWriter(unfailing{w}))
	}
	return l
}

// unfailing hides the errors of a writer: go-githubactions panics when the log
// cannot be written, and a log never changes a verdict.
type unfailing struct{ w io.Writer }

func (u unfailing) Write(p []byte) (int, error) {
	_, _ = u.w.Write(p)
	return len(p), nil
}

// OnRunner reports whether the log is for a GitHub runner.
func (l *Log) OnRunner() bool { return l.action != nil }

// Mask has the runner hide a secret in all that follows. It does nothing off a
// runner, and for an empty secret.
func (l *Log) Mask(secret string) {
	if l.action != nil && secret != "" {
		l.action.AddMask(secret)
	}
}

// Line writes a line. It must begin with a text of ours, so that nothing in it can
// be a command.
func (l *Log) Line(text string) { fmt.Fprintln(l.w, text) }

// Group begins a part of the log that folds, and ends the one before.
func (l *Log) Group(title string) {
	l.EndGroup()
	l.open = true
	if l.action != nil {
		l.action.Group(title)
		return
	}
	l.Line(title)
}

// EndGroup ends the group, if there is one.
func (l *Log) EndGroup() {
	if l.open && l.action != nil {
		l.action.EndGroup()
	}
	l.open = false
}

// Kind is that of an annotation.
type Kind string

// The kinds of annotations.
const (
	Error   Kind = "error"
	Warning Kind = "warning"
	Notice  Kind = "notice"
)

var marks = map[Kind]string{Error: "Error: ", Warning: "Warning: ", Notice: "Notice: "}

// Annotation is a text for the log and for the job's page.
type Annotation struct {
	Kind        Kind
	Title, Text string
	File        string   // that it is about; "" for none
	Line        int      // in File; 0 for none
	More        []string // lines beneath the text
}

// Annotate writes an annotation. Those beyond the runner's limit of a step are
// lines of the log alone.
func (l *Log) Annotate(a Annotation) {
	if l.action == nil {
		l.Line(marks[a.Kind] + strings.Join(append([]string{a.Text}, a.More...), "\n  "))
		return
	}
	if l.issued[a.Kind]++; l.issued[a.Kind] > maxAnnotations {
		l.Line(strings.ToUpper(string(a.Kind)) + ": " + a.Text)
		return
	}
	properties := githubactions.CommandProperties{"title": untrusted.Cut(a.Title, maxTitle)}
	if a.File != "" {
		properties["file"] = untrusted.Cut(a.File, maxFile)
		if a.Line > 0 {
			properties["line"] = fmt.Sprint(a.Line)
		}
	}
	text := strings.Join(append([]string{a.Text}, a.More...), "\n")
	l.action.IssueCommand(&githubactions.Command{Name: string(a.Kind), Message: untrusted.Cut(text, maxAnnotation), Properties: properties})
}

// Foreign writes a block of text that is not ours, and that is clean. The runner
// obeys nothing in it.
func (l *Log) Foreign(block string) {
	block = strings.TrimRight(untrusted.CutMiddle(block, maxBlock), "\n")
	for line := range strings.Lines(block + "\n") {
		fmt.Fprint(l.w, "  │ ", line)
	}
}
