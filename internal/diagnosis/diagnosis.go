// Package diagnosis reads the evidence of a failure: what broke, where in the user's
// own files, and what to do about it.
//
// What an agent printed is split into lines, without the prefixes of log collectors and
// with structured logs expanded. parse finds the exceptions in them, and uncaught the one
// that ended the process; without any, lastTelling finds a line. The log of a build is
// read by readBuild, and searched by buildCause. findPlace and buildPlace search the
// workspace, and hints is the table of what to do.
package diagnosis

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"pipecat-cloud-deploy/internal/buildcontext"
	"pipecat-cloud-deploy/internal/untrusted"
	"pipecat-cloud-deploy/internal/verdict"
)

// Scene is what is known around a failure. What is unknown is zero.
type Scene struct {
	Profile string                // the agent's, such as agent-1x
	Log     []string              // the lines that the agent printed
	Context *buildcontext.Options // of the build, where this program packed it
}

// Explain diagnoses an error that is a *verdict.Failure, and returns it with the cause in
// its message. Any other error is returned as it is, with the zero Diagnosis. The
// workspace is a folder; "" is the current one. One that cannot be opened counts as empty.
func Explain(folder string, err error, s Scene) (d Diagnosis, explained error) {
	defer func() {
		if recover() != nil { // a fault in here must not change the verdict
			d, explained = Diagnosis{}, err
		}
	}()
	var f *verdict.Failure
	if !errors.As(err, &f) {
		return Diagnosis{}, err
	}
	var workspace fs.FS
	if root, err := os.OpenRoot(cmp.Or(folder, ".")); err == nil {
		defer root.Close()
		workspace = root.FS()
	}
	d = Of(f, s, workspace)
	return d, withCause(f, d)
}

// Of is Diagnose for a failure and what is known around it. Only a job that failed or ran
// out of time is diagnosed; the Diagnosis of any other, and of nil, is zero.
func Of(f *verdict.Failure, s Scene, workspace fs.FS) Diagnosis {
	if f == nil || f.Status != "" && f.Status != verdict.Failed && f.Status != verdict.TimedOut {
		return Diagnosis{}
	}
	facts := Facts{Evidence: f.Evidence, ExitCode: f.ExitCode, Reason: f.Reason, Cause: f.Cause, Code: f.Code, Profile: s.Profile, Context: s.Context}
	if len(s.Log) > 0 {
		var printed strings.Builder
		for _, line := range s.Log {
			printed.WriteString(strings.TrimRight(line, "\n") + "\n")
		}
		facts.Evidence = append(slices.Clip(facts.Evidence), verdict.Evidence{From: verdict.FromAgentLog, Text: printed.String()})
	}
	return Diagnose(facts, workspace)
}

// withCause is a failure whose message ends with its cause, and with what the agent said
// of it where the one does not have the other. It is the failure itself where neither is
// known.
func withCause(f *verdict.Failure, d Diagnosis) *verdict.Failure {
	said, cause := f.Said, d.Cause
	switch {
	case strings.Contains(said, cause):
		cause = ""
	case strings.Contains(cause, said):
		said = ""
	}
	if said+cause == "" {
		return f
	}
	t := *f
	t.Message = strings.TrimRight(f.Message, ".")
	if said != "" {
		t.Message += ": " + said
	}
	joint := ": "
	switch {
	case cause == "":
		return &t
	case d.Sure == Possible:
		joint = "; it printed last: "
	case f.Status == verdict.TimedOut && d.From == verdict.FromPlatform:
		joint = "; the platform reports: "
	case f.Status == verdict.TimedOut:
		joint = "; its log shows: "
	}
	t.Message += joint + cause
	return &t
}

// Facts are what is known of a failure. What is unknown is zero.
type Facts struct {
	Evidence []verdict.Evidence    // what shows why, which is foreign text
	ExitCode *int                  // of the agent's process when it last ended
	Reason   verdict.Reason        // why the job is red
	Cause    verdict.Cause         // the same, finer
	Code     string                // the platform's error code, such as PCC_IMAGE_NOT_FOUND
	Profile  string                // the agent's profile, such as agent-1x
	Context  *buildcontext.Options // of the build
}

// Confidence is how sure a Cause is.
type Confidence int

const (
	Unknown  Confidence = iota // nothing says why
	Possible                   // what was printed last, which may have nothing to do with it
	Likely                     // a line that is likely to be an error
	Certain                    // an exception, or what the platform reports
)

// Diagnosis is what broke, as far as Facts show it; the zero Diagnosis knows nothing.
// Cause and the lines of a Place are foreign text, each on one line of at most 500 bytes
// and without escape sequences, but no cleaner than that.
type Diagnosis struct {
	Cause string         // such as "KeyError: 'x'"; "" for none
	Type  string         // the exception's type, without its module; "" for none
	Place *Place         // the line of the user's that broke; nil in any doubt
	Sure  Confidence     // of the Cause
	From  verdict.Source // what shows the Cause
	Hint  string         // what to do, as a sentence in Markdown; "" for none
	entry string         // which of hints that is, by its say
}

// Place is a line of a file in the workspace.
type Place struct {
	File   string       // its path in the workspace, with slashes
	Line   int          // from 1
	Around []SourceLine // it and some lines on each side; nil where the evidence quotes too little of it to show them
}

func (p *Place) same(o *Place) bool {
	return p != nil && o != nil && p.File == o.File && p.Line == o.Line
}

// SourceLine is a line of source.
type SourceLine struct {
	Number int // from 1
	Text   string
}

// Diagnose says what the facts show. A Place is searched for in the workspace, which may
// be nil. Of the build's context, only whether it excludes a path is read. Nothing else is
// read, and no symbolic link is followed. It takes time in proportion to the texts, of
// each of which only the last 256 KiB count, and to a workspace of bounded size.
func Diagnose(facts Facts, workspace fs.FS) Diagnosis {
	switch {
	case facts.has(verdict.FromBuilder), facts.has(verdict.FromBuildLog), facts.Reason == verdict.Build && !facts.has(verdict.FromAPI):
		return diagnoseBuild(facts, workspace)
	case facts.has(verdict.FromPlatform) && !facts.has(verdict.FromContainer):
		return ofPlatform(facts)
	case facts.has(verdict.FromAPI): // whose text the failure's message has already
		return Diagnosis{}.advise(facts, statement(facts, verdict.FromAPI))
	case facts.has(verdict.FromProgram):
		return Diagnosis{}.advise(facts, reading{})
	}
	return ofAgent(facts, workspace)
}

func (f Facts) has(s verdict.Source) bool {
	return slices.ContainsFunc(f.Evidence, func(e verdict.Evidence) bool { return e.From == s })
}

func (f Facts) text(s verdict.Source) string {
	var texts []string
	for _, e := range f.Evidence {
		if e.From == s {
			texts = append(texts, e.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// reading is what a text shows.
type reading struct {
	exception // its line is the cause
	sure      Confidence
	from      verdict.Source
	platform  bool // the platform says so, rather than the agent
	place     *Place
	workspace fs.FS
}

// innermost are the last frames, at most n.
func (r reading) innermost(n int) []frame { return r.frames[max(0, len(r.frames)-n):] }

// raisedAt is the innermost frame; the zero frame if there is none.
func (r reading) raisedAt() frame {
	if n := len(r.frames); n > 0 {
		return r.frames[n-1]
	}
	return frame{}
}

// inLibrary reports whether code that is not the user's raised the exception.
func (r reading) inLibrary() bool { return library().MatchString(r.raisedAt().file) }

func (r reading) diagnosis(facts Facts) Diagnosis {
	return Diagnosis{Cause: oneLine(r.line), Type: r.typ, Place: r.place, Sure: r.sure, From: r.from}.advise(facts, r)
}

// ofPlatform is Diagnose for what the platform alone reports.
func ofPlatform(facts Facts) Diagnosis {
	return statement(facts, verdict.FromPlatform).diagnosis(facts)
}

// statement is the reading of what the platform says. Its first line is the cause; it is
// not searched for exceptions.
func statement(facts Facts, from verdict.Source) reading {
	text := untrusted.StripEscapes(strings.ToValidUTF8(untrusted.Cut(facts.text(from), maxRecord), "\uFFFD"))
	first, _, _ := strings.Cut(strings.TrimSpace(lineEnds.Replace(text)), "\n")
	r := reading{sure: Certain, from: from, platform: true}
	r.line, r.message = oneLine(first), oneLine(untrusted.Cut(text, maxLine))
	return r
}

// ofAgent is Diagnose for an agent that was started. What the platform has of its
// output may be cut, or empty; then the log has it.
func ofAgent(facts Facts, workspace fs.FS) Diagnosis {
	r := read(facts, verdict.FromContainer, workspace)
	if logged := read(facts, verdict.FromAgentLog, workspace); logged.completes(r) {
		r = logged
	}
	if r.sure < Likely && facts.has(verdict.FromPlatform) {
		return ofPlatform(facts)
	}
	return r.diagnosis(facts)
}

// completes reports whether a reading of the log shows more of the same failure than
// one of what the platform has.
func (r reading) completes(shown reading) bool {
	if shown.atExit && r.typ != "" && !r.atExit {
		return true
	}
	if shown.typ == "" {
		return r.typ != "" || r.sure > shown.sure
	}
	if r.typ != shown.typ {
		return false
	}
	if r.line == shown.line || r.message == shown.message {
		return r.place != nil && shown.place == nil
	}
	return strings.HasPrefix(r.line, shown.line) && r.place.same(shown.place) // the end of shown.line is cut off
}

// read finds the cause in what an agent printed.
func read(facts Facts, from verdict.Source, workspace fs.FS) reading {
	lines := split(facts.text(from))
	r := reading{from: from, workspace: workspace}
	all := parse(lines)
	e, ok := uncaught(all)
	if ok && killed(facts) && !memoryTypes().MatchString(e.typ) && (facts.Reason == verdict.OutOfMemory || e.logged || saysMore(lines[e.at+1:])) {
		// A process that is killed raises no exception: it has survived this one.
		lines, ok = lines[e.at+1:], false
	}
	if !ok {
		r.line, r.sure = lastTelling(lines)
		r.message = r.line
		return r
	}
	e.explain(all)
	e.settle()
	r.exception, r.sure = e, Certain
	r.place = findPlace(e.frames, workspace)
	return r
}

// saysMore reports whether lines have more than noise.
func saysMore(lines []line) bool {
	return slices.ContainsFunc(lines, func(l line) bool { return !l.aside && !noise().MatchString(strings.TrimSpace(l.text)) })
}

// killed reports whether a signal ended the process, other than SIGINT and SIGTERM, which
// Python handles.
func killed(facts Facts) bool {
	signal := 0
	if facts.ExitCode != nil {
		signal = *facts.ExitCode - 128
	}
	return facts.Reason == verdict.OutOfMemory || signal > 0 && signal < 32 && signal != 2 && signal != 15
}
