package summary

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sethvargo/go-githubactions"
)

const (
	maxAnnotation  = 4000     // the runner cuts at 4,096 characters
	maxAnnotated   = 10       // lines of a build's log
	maxAnnotations = 10       // of a kind, a step; the runner drops the rest
	maxLogged      = 64 << 10 // of a block
	maxLine        = 8 << 10
)

// log writes a job's log: for a GitHub runner with its commands, else as plain
// text.
type log struct {
	w      io.Writer
	action *githubactions.Action // nil: there is no runner
	opened bool                  // a group
	told   map[kind]int          // annotations
}

func newLog(w io.Writer, runner bool) *log {
	l := &log{w: w, told: map[kind]int{}}
	if runner {
		l.action = githubactions.New(githubactions.WithWriter(deaf{w}))
	}
	return l
}

// deaf hears of no error: go-githubactions panics when the log cannot be
// written, and a log never changes a verdict.
type deaf struct{ w io.Writer }

func (d deaf) Write(p []byte) (int, error) {
	_, _ = d.w.Write(p)
	return len(p), nil
}

// line writes a line that begins with a text of ours, so that nothing in it
// can be a command.
func (l *log) line(format string, args ...any) {
	fmt.Fprintf(l.w, format+"\n", args...)
}

// group begins a part of the log that folds.
func (l *log) group(title string) {
	l.endGroup()
	l.opened = true
	if l.action != nil {
		l.action.Group(title)
		return
	}
	l.line("%s", title)
}

func (l *log) endGroup() {
	if l.opened && l.action != nil {
		l.action.EndGroup()
	}
	l.opened = false
}

// kind is that of an annotation.
type kind string

const (
	errorKind   kind = "error"
	warningKind kind = "warning"
	noticeKind  kind = "notice"
)

// place is where an annotation sits; empty for none.
type place struct {
	file string
	line int
}

// annotate says something in the log, and on the job's page.
func (l *log) annotate(k kind, title, text string, at place, more ...string) {
	if l.action == nil {
		mark := map[kind]string{errorKind: "Error: ", warningKind: "Warning: ", noticeKind: "Notice: "}[k]
		l.line("%s%s", mark, strings.Join(append([]string{text}, more...), "\n  "))
		return
	}
	// Past the limit the runner shows it in the log alone, and so do we.
	if l.told[k]++; l.told[k] > maxAnnotations {
		l.line("%s: %s", strings.ToUpper(string(k)), text)
		return
	}
	text = strings.Join(append([]string{text}, more...), "\n")
	properties := githubactions.CommandProperties{"title": cut(title, 200)}
	if at.file != "" {
		properties["file"] = cut(at.file, 1000)
		if at.line > 0 {
			properties["line"] = fmt.Sprint(at.line)
		}
	}
	l.action.IssueCommand(&githubactions.Command{Name: string(k), Message: cut(text, maxAnnotation), Properties: properties})
}

// foreign writes a block of text that is not ours, with the runner's ears shut.
func (l *log) foreign(block string) {
	block = strings.TrimRight(cutMiddle(block, maxLogged), "\n")
	if l.action != nil {
		token := rand.Text()
		l.line("::stop-commands::%s", token)
		defer l.line("::%s::", token)
	}
	for line := range strings.Lines(block + "\n") {
		fmt.Fprint(l.w, "  │ ", line)
	}
}

// span shows a duration, to a tenth of a second while that tells something.
func span(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
