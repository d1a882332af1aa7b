// Package diagnosis reads the output of a failure: what broke, where in the user's
// own code, and what to do about it.
package diagnosis

import (
	"cmp"
	"io/fs"
	"os"
	"strings"

	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// In is Of, with a folder as the workspace; "" is the current one. One that cannot
// be opened is as if it were empty.
func In(folder string, f *verdict.Failure, profile string, log []string) Diagnosis {
	root, err := os.OpenRoot(cmp.Or(folder, "."))
	if err != nil {
		return Of(f, profile, log, nil)
	}
	defer root.Close()
	return Of(f, profile, log, root.FS())
}

// Of says what a failure's output shows, and where that names no exception, what the
// agent's log shows. Only a job that failed or ran out of time is diagnosed.
func Of(f *verdict.Failure, profile string, log []string, workspace fs.FS) Diagnosis {
	if f == nil || f.Status != verdict.Failed && f.Status != verdict.TimedOut {
		return Diagnosis{}
	}
	facts := Facts{Text: cmp.Or(f.Output, f.Message), ExitCode: f.ExitCode, Reason: f.Reason, Cause: f.Cause, Code: f.Code, Profile: profile}
	if f.Cause == verdict.BuildTimedOut {
		facts.Text = f.Message // what the build printed last is no cause
	}
	d := Diagnose(facts, workspace)
	if d.Type != "" {
		return d
	}
	var printed strings.Builder
	for _, line := range log {
		printed.WriteString(strings.TrimRight(line, "\n") + "\n")
	}
	facts.Text = printed.String()
	if shown := Diagnose(facts, workspace); shown.Type != "" {
		return shown
	}
	return d
}

// Facts are what is known of a failure. Each may be missing.
type Facts struct {
	Text     string         // the crash's own output, a build's error and log, or the platform's words; not ours
	ExitCode *int           // the process's last
	Reason   verdict.Reason // why the job is red
	Cause    verdict.Cause  // the same, finer; may be ""
	Code     string         // the platform's error code, such as PCC_IMAGE_NOT_FOUND
	Profile  string         // the agent's profile, such as agent-1x
}

// Diagnosis is what broke, as far as Facts show it. Cause and the lines of a Place are not ours:
// they are on one line each, without escape sequences, and no cleaner than
// that.
type Diagnosis struct {
	Cause string // the exception in a line, "KeyError: 'x'", else the last line that says something; "" for none
	Type  string // the exception's type, without its module; "" for none
	Place *Place // nil where it is not sure
	Hint  string // a sentence in Markdown; "" for none
}

// Place is a line of a file in the workspace.
type Place struct {
	File   string       // its path in the workspace, with slashes
	Line   int          // from 1
	Around []SourceLine // some lines on each side of it, and itself
}

// SourceLine is a line of source, with its number.
type SourceLine struct {
	Number int
	Text   string
}

// Diagnose says what the facts show. A Place is looked for in the workspace,
// which may be nil, but not for a build; nothing else is read, and no symbolic link
// is followed. It takes time in proportion to the text, of which only the last 256 KiB count,
// and to a workspace of bounded size.
func Diagnose(facts Facts, workspace fs.FS) Diagnosis {
	if facts.Reason == verdict.Build {
		return ofBuild(facts)
	}
	lines := split(facts.Text)
	e, ok := last(parse(lines))
	if ok && killed(facts) && !memoryTypes.MatchString(e.typ) {
		ok = false // one that is killed does not say so: this was another, and survived
		lines = lines[e.at+1:]
	}
	if !ok {
		e = exception{line: telling(lines)}
		e.message = e.line
	}
	d := Diagnosis{Cause: untrusted.Cut(e.line, maxShown), Type: e.typ, Hint: hintFor(facts, e)}
	if workspace != nil {
		d.Place = place(e.frames, workspace)
	}
	return d
}

// killed reports whether a signal ended the process, other than the two that
// ask Python to stop.
func killed(facts Facts) bool {
	if facts.Reason == verdict.OutOfMemory {
		return true
	}
	return facts.ExitCode != nil && *facts.ExitCode > 128 && *facts.ExitCode < 160 && *facts.ExitCode != 130 && *facts.ExitCode != 143
}
