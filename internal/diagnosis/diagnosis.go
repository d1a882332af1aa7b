// Package diagnosis reads a crash's text: what broke, where in the user's own
// code, and what to do about it.
package diagnosis

import (
	"io/fs"

	"pipecat-cloud-deploy/internal/verdict"
)

// Facts are what is known of a failure. Each may be missing.
type Facts struct {
	Text     string         // the crash's own output, a build's error and log, or the platform's words; not ours
	ExitCode *int           // the process's last
	Reason   verdict.Reason // what the job came to
	Code     string         // the platform's error code, such as PCC_IMAGE_NOT_FOUND
	Profile  string         // the agent's profile, such as agent-1x
}

// Diagnosis is what Facts come to. Cause and the lines of a Place are not ours:
// they are on one line each, without escape sequences, and no cleaner than
// that.
type Diagnosis struct {
	Cause string // the exception in a line, "KeyError: 'x'", else the last line that tells something; "" for none
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

// Diagnose says what the facts tell. A Place is looked for in the workspace,
// which may be nil, but not for a build; nothing else is read, and no symbolic link is followed. It
// takes time in proportion to the text, of which only the last 256 KiB count,
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
	d := Diagnosis{Cause: cut(e.line, maxShown), Type: e.typ, Hint: hintFor(facts, e)}
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
