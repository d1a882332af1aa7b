package diagnosis

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/verdict"
)

// buildLine is a line of a build's log.
type buildLine struct {
	text        string // without the builder's prefix
	says        string // what hints read of text: not the command that failed
	step        string // its number in BuildKit; "" for none
	secondary   bool   // it says that something failed, but not why
	builderHost bool   // the machine that runs the builder printed it
}

var (
	// hostPrefix is before what the machine that runs the builder prints.
	hostPrefix = re(`^\[Container\] (?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? )?`)
	// hostProgress is what it prints of itself and of the commands that it starts.
	hostProgress = re(`^(?:Running command|Entering phase|Phase complete|Phase context status code: +Message: *$|Phase is )`)

	// stepPrefix is before a line of a step: "#9 1.2 " where a command printed it, "#9 "
	// where BuildKit did.
	stepPrefix = re(`^#(\d{1,9})(?: (\d+\.\d*)(?: |$)| |$)`)
	// stepProgress is BuildKit's line on the progress of a step, or its title, which quotes
	// the Dockerfile.
	stepProgress = re(`^(?:\[|DONE\b|CACHED$|CANCELED$|\.\.\.$|sha256:|resolve |transferring |extracting |exporting |pushing |WARN: )`)

	// title begins the part in which BuildKit repeats the end of a failed step, whose
	// lines have a time and no number; rule ends it.
	title  = re(`^ ?> .*:$`)
	rule   = re(`^-{6,}$`)
	timing = re(`^\d+\.\d*(?: |$)`)

	// echo quotes the Dockerfile: BuildKit's excerpt, the classic builder's steps.
	echo = re(`^ {0,8}\d{1,6} \|(?: |$)|^Step \d+/\d+ : | ---> `)
	// advisory is no error: what a tool advises, retries, or looks for as CMake does.
	advisory = re(`^\s*(?:-- |(?i:warn(?:ing)?|info|debug|notice|note|hint): |npm (?:warn|WARN|notice) |\[notice\]|[WN]: |Ign:)`)
	// decisive is a warning that is the cause of an error: pip's last retry, an index that
	// rejects the credentials, a server that apk cannot reach.
	decisive = re(`\(Retry\(total=0,|\b40[13] Error, Credentials not correct|: temporary error \(try again later\)$`)

	// lead is before an error's message, and command is what failed.
	lead = re(`^((?:(?i:error): )?)(?: *Caused by: |(?:[A-Z_]+: )?Error while executing command: .*?\. Reason: |` +
		`failed to build: |failed to solve(?: with frontend [\w.]+)?: |failed to compute cache key: |rpc error: code = \w+ desc = )+`)
	command = re(`(?:process ".*" did not complete successfully|executor failed running \[.*\]): |[Tt]he command '.*' returned a |` +
		`Command did not exit successfully |Error while executing command: .*\. Reason: `)
	// uninformative is a line of an error of which another line says more.
	uninformative = re(`^(?:Killed|/bin/\S*sh: line \d+: +\d+ Killed .*|exit status \d+|(?:ERROR: )?ResolutionImpossible: .*|No solution found when resolving .*)$`)

	// arrow is before the parts of uv's errors, which are wrapped.
	arrow = re("^ *(?:├─▶|╰─▶|\\|->|`->) ")

	// errorLine is how tools begin the error that ends them.
	errorLine = re(`^(?:E: |ERROR: |error: |fatal: |Error: |fatal error: |npm (?:ERR!|error) (?:ERESOLVE|Missing|Invalid|Cannot|Could not|notarget|404))`)

	// inconclusive does not say why a build failed, though it sounds like it.
	inconclusive = re(`^(?:\S+:\d+$|ERROR: Exception:$|View build details: |error: subprocess-exited-with-error|.* did not run successfully\.$|` +
		`npm (?:error|ERR!) (?:gyp ERR! (?:not ok|cwd |node |command |System )|network This is a problem|\{ \[Error).*|Failing command: .*|npm (?:error|ERR!) (?:code|errno|syscall|path|command|A complete log|Log files)\b.*|make(?:\[\d+\])?: \*\*\* (?:\[|Waiting for ).*|tar: (?:Child returned status |Error is not recoverable|Exiting with failure).*|=*\s*\d+ failed\b.* in [\d.]+s.*|` +
		`ERROR: pip's dependency resolver does not currently take into account .*)`)
)

// diagnoseBuild is Diagnose for a build: for what the builder says of it, and the end of its log.
func diagnoseBuild(facts Facts, workspace fs.FS) Diagnosis {
	from := verdict.FromBuildLog
	if !facts.has(from) {
		from = verdict.FromBuilder
	}
	text := strings.TrimPrefix(facts.text(verdict.FromBuilder)+"\n"+facts.text(verdict.FromBuildLog), "\n")
	if facts.Cause == verdict.BuildTimedOut { // what it printed last is no cause
		text, _, _ = strings.Cut(text, "\n")
	}
	raw := expanded(cleanLines(text), 0)
	lines := readBuild(raw)
	d := Diagnosis{From: from}
	d.Cause, d.Type = buildCause(lines)
	d = d.adviseBuild(facts, lines, workspace)
	if d.Cause != "" {
		d.Sure = Likely
	}
	if facts.Cause == "" {
		dockerfile := "Dockerfile"
		if facts.Context != nil {
			dockerfile = cmp.Or(facts.Context.Dockerfile, dockerfile)
		}
		d.Place = buildPlace(raw, d.Cause, dockerfile, workspace)
	}
	return d
}

// adviseBuild gives a diagnosis the first hint that applies to the failure or to a line,
// which is then the cause.
func (d Diagnosis) adviseBuild(facts Facts, lines []buildLine, workspace fs.FS) Diagnosis {
	lines = withClues(lines)
	for i := range hints {
		h := &hints[i]
		if h.reason != verdict.Build && (h.code == "" || h.code != facts.Code) {
			continue
		}
		var caught string
		if h.message != nil {
			l, group := h.best(facts, lines, workspace)
			if l == nil {
				continue
			}
			caught = group
			s := strings.TrimSpace(l.text)
			d.Type = exceptionType(s)
			if d.Type == "" || !strings.HasPrefix(d.Cause, s) { // a cause that is longer has what continues below
				d.Cause = oneLine(s)
			}
		} else if _, ok := h.applies(facts, reading{}); !ok {
			continue
		}
		d.Hint, d.entry = h.words(facts, caught), h.say
		return d
	}
	return d
}

// best returns the line that a hint applies to: the first that begins as an error does,
// or one that says the same and more; else the last; a secondary one only where there is
// no other. It is nil for none.
func (h *hint) best(facts Facts, lines []buildLine, workspace fs.FS) (best *buildLine, caught string) {
	rank, searches := 0, 0
	for i := range lines {
		l := &lines[i]
		if h.when != nil && h.message().MatchString(l.says) {
			if searches++; searches > maxSearches {
				break
			}
		}
		group, ok := h.applies(facts, reading{exception: exception{message: l.says}, workspace: workspace})
		if !ok {
			continue
		}
		r := 2
		if l.secondary {
			r = 1
		} else if errorLine().MatchString(l.says) {
			r = 3
		}
		if r < rank || r == 3 && rank == 3 && !strings.HasSuffix(l.says, strings.TrimPrefix(best.says, "ERROR: ")) {
			continue
		}
		best, caught, rank = l, group, r
	}
	return best, caught
}

// buildCause returns the line that is likely to say why a build failed, and its
// exception's type: an exception with its traceback, else the first line that begins as
// an error does, else the last that sounds bad.
func buildCause(lines []buildLine) (cause, typ string) {
	var primary []line
	var secondary, host string // the last of each
	for _, l := range lines {
		switch {
		case !l.secondary:
			primary = append(primary, newLine(l.text))
		case l.builderHost:
			host = l.text
		default:
			secondary = l.text
		}
	}
	if e, ok := uncaught(parse(primary)); ok && len(e.frames) > 0 {
		e.settle()
		return oneLine(e.line), e.typ
	}
	var firstError, lastBad string
	for _, l := range primary {
		s := strings.TrimSpace(l.text)
		isError, isBad := firstError == "" && errorLine().MatchString(s), soundsBad(s) || strings.Contains(s, "already exists")
		if !isError && !isBad || saysNothing(s) {
			continue
		}
		if isError {
			firstError = s
		}
		if isBad {
			lastBad = s
		}
	}
	if cause = cmp.Or(firstError, lastBad, secondary); cause != "" {
		return oneLine(cause), ""
	}
	for _, l := range slices.Backward(primary) {
		if s := strings.TrimSpace(l.text); !saysNothing(s) {
			return oneLine(s), ""
		}
	}
	return oneLine(host), ""
}

// saysNothing reports whether a line does not say why a build failed.
func saysNothing(s string) bool {
	s = singleSpaced(s)
	return s == "" || noise().MatchString(s) || inconclusive().MatchString(s)
}

// withClues are the lines that a hint may be about, of equal ones the last.
func withClues(lines []buildLine) (some []buildLine) {
	seen := map[string]bool{}
	for _, l := range slices.Backward(lines) {
		if !seen[l.says] && telling.in(strings.ToLower(l.says)) {
			seen[l.says] = true
			some = append(some, l)
		}
	}
	slices.Reverse(some)
	return some
}

var telling = newWords(clues...)

// clues are words of the lines that hints are about, in lower case. They spare most
// lines of a long log the table.
var clues = slices.Concat(errorWords, []string{"timed", "timeout", "time-out", "toomanyrequests", "limit", "no match", "not match", "managed", "hash", "resolv",
	"unsatisfiable", "conflict", "cuda", "nvcc", "release file", "pubkey", "sign", "no space", "enough", "quota", "memory", "sigkill", "reset", "unreachable",
	"gateway", "lock", "wheel", "interpreter", "requires", "git-lfs", "unknown", "manifest", "forbidden", "available", "no version",
	"prompts", "authoriz", "authenticate", "ssh forward", "[y/n]", "sync in progress", "pathspec", "ensurepip", "flat-layout", "compatible", "determine", "lockfile", "404", "not exist", "not allowed", "blank", "changed", "existing", "compiler", "137", "parse", "platform", "publi", "candidate", "is not", "tls", "locate", "not in gzip", "not look like", "breaks: ", "temporary error", "out of date", "compatibility", "non-zero", "no package ", "already exists", "' in use"})

// maxSearches is for how many lines a hint searches the workspace.
const maxSearches = 5

// readBuild splits a build's log, without lines of progress, and without the steps that
// did not fail where others did.
func readBuild(lines []line) []buildLine {
	var all []buildLine
	failed := map[string]bool{} // by step
	repeated := false           // within what BuildKit repeats
	for _, l := range lines {
		s := l.text
		var b buildLine
		if before := hostPrefix().FindString(s); before != "" {
			if s = s[len(before):]; hostProgress().MatchString(s) {
				continue
			}
			b.secondary, b.builderHost = true, true
		} else if m := stepPrefix().FindStringSubmatch(s); m != nil {
			s, b.step = s[len(m[0]):], m[1]
			own := m[2] == "" // BuildKit's
			if own && stepProgress().MatchString(s) {
				continue
			}
			if own && strings.HasPrefix(s, "ERROR: ") {
				failed[b.step] = true
			}
		} else if title().MatchString(s) {
			repeated = true
			continue
		} else if rule().MatchString(s) {
			repeated = false
			continue
		} else if repeated {
			s = s[len(timing().FindString(s)):]
		}
		if last := len(all) - 1; last >= 0 && strings.Contains(s, "Will retry in ") && strings.HasPrefix(all[last].text, "curl: (") {
			all = all[:last]
		}
		if isEcho(s) || isAdvisory(s) && !decisive().MatchString(s) {
			continue
		}
		b.text = s
		all = append(all, b)
	}
	if len(failed) > 0 {
		all = slices.DeleteFunc(all, func(b buildLine) bool { return b.step != "" && !failed[b.step] })
	}
	all = unwrapped(all)
	for i := range all {
		all[i].read()
	}
	return all
}

// unwrapped puts the parts of uv's errors on one line each: what is below an arrow, and
// indented as far as the text behind it.
func unwrapped(lines []buildLine) (all []buildLine) {
	width := 0 // of the arrow with its indentation; 0 outside of an error
	for _, b := range lines {
		rest := strings.TrimLeft(b.text, " │|")
		if m := arrow().FindString(b.text); m != "" {
			width, b.text = utf8.RuneCountInString(m), b.text[len(m):]
		} else if width > 0 && rest != "" && utf8.RuneCountInString(b.text[:len(b.text)-len(rest)]) >= width {
			above := &all[len(all)-1]
			if above.step == b.step && len(above.text)+len(rest) < maxLine {
				above.text += " " + rest
				continue
			}
		} else {
			width = 0
		}
		all = append(all, b)
	}
	return all
}

// isEcho, isAdvisory and commandIn spare most lines their patterns.
func isEcho(s string) bool {
	return (strings.Contains(s, " |") || strings.HasPrefix(s, "Step ") || strings.HasPrefix(s, " ---> ")) && echo().MatchString(s)
}

func isAdvisory(s string) bool {
	s = strings.TrimLeft(s, " \t")
	return s != "" && strings.IndexByte("wWiIdDnNhH[-", s[0]) >= 0 && advisory().MatchString(s)
}

func commandIn(s string) []int {
	if !containsAny(s, []string{"did not complete", "executor failed", "returned a ", "did not exit", "Error while"}) {
		return nil
	}
	return command().FindStringIndex(s)
}

// read finds what a line says, and whether that is secondary.
func (b *buildLine) read() {
	if s := strings.TrimSpace(b.text); s == "" || strings.HasPrefix(s, "× ") {
		b.text = strings.TrimPrefix(s, "× ")
	}
	if strings.Contains(b.text, ": ") {
		b.text = lead().ReplaceAllString(b.text, "$1")
	}
	b.says = strings.TrimSpace(b.text)
	if at := commandIn(b.says); at != nil {
		b.secondary = true
		b.says = strings.TrimSpace(b.says[at[1]:])
	} else if uninformative().MatchString(b.says) {
		b.secondary = true
	}
}
