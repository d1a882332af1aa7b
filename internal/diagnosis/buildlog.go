package diagnosis

import (
	"cmp"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"pipecat-cloud-deploy/internal/verdict"
)

// buildLine is a line of a build's log, taken apart.
type buildLine struct {
	text        string // without what the builder puts before it
	says        string // of text, what hints look at: not the command that failed
	step        string // BuildKit's number of it; "" for none
	secondary   bool   // it says that something failed, and not why
	builderHost bool   // it is of the machine that runs the builder
}

var (
	// container is before what the machine says that runs the builder.
	container = regexp.MustCompile(`^\[Container\] (?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d(?:\.\d+)? )?`)
	// hostProgress is what it says of itself and of the commands that it starts.
	hostProgress = regexp.MustCompile(`^(?:Running command|Entering phase|Phase complete|Phase context status code: +Message: *$|Phase is )`)

	// ofStep is before a line that belongs to a step, with the time when a command
	// printed it; without, it is BuildKit's own.
	ofStep = regexp.MustCompile(`^#(\d{1,9})(?: (\d+\.\d*)(?: |$)| |$)`)
	// stepProgress is BuildKit's own on how a step goes, and its title, which has the
	// Dockerfile's text.
	stepProgress = regexp.MustCompile(`^(?:\[|DONE\b|CACHED$|CANCELED$|\.\.\.$|sha256:|resolve |transferring |extracting |exporting |pushing |WARN: )`)

	// title is of the part in which BuildKit repeats the end of a failed step, whose
	// lines have a time alone; rule ends it.
	title  = regexp.MustCompile(`^ ?> .*:$`)
	rule   = regexp.MustCompile(`^-{6,}$`)
	timing = regexp.MustCompile(`^\d+\.\d*(?: |$)`)

	// echo is the Dockerfile's own text: BuildKit's excerpt, the classic builder's
	// steps.
	echo = regexp.MustCompile(`^ {0,8}\d{1,6} \| |^ {0,8}\d{1,6} \|$|^Step \d+/\d+ : | ---> `)
	// advisory is no error: what a tool advises, or tries again.
	advisory = regexp.MustCompile(`^\s*(?:(?i:warn(?:ing)?|info|debug|notice|note|hint): |npm (?:warn|WARN|notice) |\[notice\]|[WN]: |Ign:)`)
	// decisive is what pip only warns of, and fails for: a try that was the last, an
	// index that knows no such user.
	decisive = regexp.MustCompile(`\(Retry\(total=0,|\b40[13] Error, Credentials not correct`)

	// lead is before the words of an error, and command is what failed.
	lead = regexp.MustCompile(`^((?:(?i:error): )?)(?: *Caused by: |(?:[A-Z_]+: )?Error while executing command: .*?\. Reason: |` +
		`failed to build: |failed to solve(?: with frontend [\w.]+)?: |failed to compute cache key: |rpc error: code = \w+ desc = )+`)
	command = regexp.MustCompile(`(?:process ".*" did not complete successfully|executor failed running \[.*\]): |[Tt]he command '.*' returned a |` +
		`Command did not exit successfully |Error while executing command: .*\. Reason: `)
	// uninformative is a line of an error where another line says more.
	uninformative = regexp.MustCompile(`^(?:Killed|/bin/\S*sh: line \d+: +\d+ Killed .*|exit status \d+|(?:ERROR: )?ResolutionImpossible: .*|No solution found when resolving .*)$`)

	// arrow is before the parts of uv's errors, which are broken into lines.
	arrow = regexp.MustCompile("^ *(?:├─▶|╰─▶|\\|->|`->) ")

	// errorLine is what tools begin an error with that they end for.
	errorLine = regexp.MustCompile(`^(?:E: |ERROR: |error: |fatal: |Error: |fatal error: |npm (?:ERR!|error) (?:ERESOLVE|Missing|Invalid|Cannot|Could not|notarget|404))`)

	// passing does not say why a build failed, though it sounds so.
	passing = regexp.MustCompile(`^(?:\S+:\d+$|View build details: |error: subprocess-exited-with-error|.* did not run successfully\.$|` +
		`npm (?:error|ERR!) (?:code|errno|syscall|path|command|A complete log|Log files)\b.*|make(?:\[\d+\])?: \*\*\* .*|=*\s*\d+ failed\b.* in [\d.]+s.*|` +
		`ERROR: pip's dependency resolver does not currently take into account .*)`)
)

// ofBuild is Diagnose for a build: of what the builder says of it, and the end of its
// log.
func ofBuild(facts Facts, workspace fs.FS) Diagnosis {
	from := verdict.FromBuildLog
	if !facts.has(from) {
		from = verdict.FromBuilder
	}
	text := strings.TrimPrefix(facts.text(verdict.FromBuilder)+"\n"+facts.text(verdict.FromBuildLog), "\n")
	if facts.Cause == verdict.BuildTimedOut { // what it printed last is no cause
		text, _, _ = strings.Cut(text, "\n")
	}
	raw := expanded(cleanLines(text))
	lines := readBuild(raw)
	candidates := telltales(lines)
	d := Diagnosis{From: from}
	d.Cause, d.Type = why(lines)
	whole := d.Cause
	for i := range hints {
		h := &hints[i]
		switch {
		case h.reason != verdict.Build && (h.code == "" || h.code != facts.Code):
			continue
		case h.message == nil:
			if _, ok := h.applies(facts, reading{}); !ok {
				continue
			}
			d.Hint, d.entry = h.words(facts, ""), h.say
		default:
			at, caught := h.among(facts, lines, candidates, workspace)
			if at < 0 {
				continue
			}
			d.Cause, d.Hint, d.entry = oneLine(lines[at].text), h.words(facts, caught), h.say
			if e, ok := exceptionAt(lines, at); ok && strings.HasPrefix(whole, e.line) {
				d.Cause, d.Type = whole, e.typ // with what continues below
			} else if ok {
				d.Cause, d.Type = oneLine(e.line), e.typ
			} else {
				d.Type = ""
			}
		}
		break
	}
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

// exceptionAt is the exception of which a line is the first.
func exceptionAt(lines []buildLine, at int) (exception, bool) {
	m := typed.FindStringSubmatch(strings.TrimSpace(lines[at].text))
	if m == nil || !sound.MatchString(m[1]) {
		return exception{}, false
	}
	return exception{line: strings.TrimSpace(lines[at].text), name: m[1], typ: m[1][strings.LastIndexByte(m[1], '.')+1:]}, true
}

// among returns the line that a hint applies to: the first of those that are an
// error's own, or one that says the same and more, else the last; a secondary one only
// where there is no other; or -1.
func (h *hint) among(facts Facts, lines []buildLine, candidates []int, workspace fs.FS) (at int, caught string) {
	at = -1
	rank := 0
	looks := 0
	for _, i := range candidates {
		if h.when != nil && h.message.MatchString(lines[i].says) {
			if looks++; looks > maxLooks {
				break
			}
		}
		word, ok := h.applies(facts, reading{exception: exception{message: lines[i].says}, workspace: workspace})
		if !ok {
			continue
		}
		r := 2
		switch {
		case lines[i].secondary:
			r = 1
		case errorLine.MatchString(lines[i].says):
			r = 3
		}
		if r < rank || r == rank && r == 3 && !strings.HasSuffix(lines[i].says, strings.TrimPrefix(lines[at].says, "ERROR: ")) {
			continue
		}
		at, caught, rank = i, word, r
	}
	return at, caught
}

// why returns the line that is likely to say why a build failed, and its
// exception's type: an exception with its traceback, else the first line that is an
// error's own, else the last that sounds like one.
func why(lines []buildLine) (cause, typ string) {
	var strong []line
	var any, secondary, host string // the last line of each kind
	for _, l := range lines {
		switch {
		case !l.secondary:
			strong = append(strong, newLine(l.text))
		case l.builderHost:
			host = l.text
		default:
			secondary = l.text
		}
	}
	if e, ok := last(parse(strong)); ok && len(e.frames) > 0 {
		e.settle()
		return oneLine(e.line), e.typ
	}
	first, last := "", ""
	for _, l := range strong {
		s := strings.TrimSpace(l.text)
		bad := soundsBad(s)
		if !bad && (first != "" || !errorLine.MatchString(s)) || idle(s) {
			continue
		}
		if first == "" && errorLine.MatchString(s) {
			first = s
		}
		if bad {
			last = s
		}
	}
	for i := len(strong) - 1; i >= 0 && any == "" && first+last+secondary == ""; i-- {
		if s := strings.TrimSpace(strong[i].text); s != "" && !idle(s) {
			any = s
		}
	}
	return oneLine(cmp.Or(first, last, secondary, any, host)), ""
}

// idle reports whether a line does not say why a build failed.
func idle(s string) bool { return noise.MatchString(s) || passing.MatchString(s) }

// telltales are the lines that a hint may be about, each once.
func telltales(lines []buildLine) (at []int) {
	seen := map[string]bool{}
	for i := len(lines) - 1; i >= 0; i-- {
		if s := lines[i].says; s != "" && !seen[s] && isClue(s) {
			seen[s] = true
			at = append(at, i)
		}
	}
	slices.Reverse(at)
	return at
}

// clues are words of the lines that hints are about, in lower case, beside those of
// grave. They spare most lines of a long log the table.
var clues = slices.Concat(errorWords, []string{"timed", "timeout", "time-out", "toomanyrequests", "limit", "no match", "not match", "managed", "hash", "resolv",
	"unsatisfiable", "conflict", "cuda", "nvcc", "release file", "pubkey", "sign", "no space", "enough", "quota", "memory", "sigkill", "reset", "unreachable",
	"gateway", "unavailable", "lock", "wheel", "interpreter", "requires", "git-lfs", "unknown", "manifest", "forbidden", "publickey", "available", "no version",
	"prompts", "authoriz", "changed", "existing", "compiler", "137", "parse", "platform", "publi", "candidate", "is not", "tls", "locate"})

func isClue(s string) bool {
	s = strings.ToLower(s)
	return slices.ContainsFunc(clues, func(word string) bool { return strings.Contains(s, word) })
}

// maxLooks is for how many lines a hint looks into the workspace.
const maxLooks = 5

// readBuild splits a build's log. Of steps that did not fail, where others
// did, and of what only reports progress, nothing is left.
func readBuild(lines []line) []buildLine {
	var all []buildLine
	failed := map[string]bool{}
	repeated := false
	for _, l := range lines {
		s := l.text
		var b buildLine
		if before := container.FindString(s); before != "" {
			if s = s[len(before):]; hostProgress.MatchString(s) {
				continue
			}
			b.secondary, b.builderHost = true, true
		} else if m := ofStep.FindStringSubmatch(s); m != nil {
			s, b.step = s[len(m[0]):], m[1]
			if m[2] == "" && stepProgress.MatchString(s) {
				continue
			}
			if m[2] == "" && strings.HasPrefix(s, "ERROR: ") {
				failed[b.step] = true
			}
		} else if title.MatchString(s) || rule.MatchString(s) {
			repeated = !rule.MatchString(s)
			continue
		} else if repeated {
			s = s[len(timing.FindString(s)):]
		}
		if isEcho(s) || isAdvisory(s) && !decisive.MatchString(s) {
			continue
		}
		b.text = s
		all = append(all, b)
	}
	var kept []buildLine
	width := 0 // how far the lines that continue the one above are indented
	for _, b := range all {
		if len(failed) > 0 && b.step != "" && !failed[b.step] {
			continue
		}
		rest := strings.TrimLeft(b.text, " │|")
		if m := arrow.FindString(b.text); m != "" {
			width, b.text = utf8.RuneCountInString(m), b.text[len(m):]
		} else if width > 0 && rest != "" && utf8.RuneCountInString(b.text[:len(b.text)-len(rest)]) >= width {
			above := &kept[len(kept)-1]
			if above.step == b.step && len(above.text)+len(rest) < maxLine {
				above.text += " " + rest
				continue
			}
		} else {
			width = 0
		}
		kept = append(kept, b)
	}
	for i := range kept {
		kept[i].read()
	}
	return kept
}

// isEcho, isAdvisory and commandIn see most other lines without a pattern.
func isEcho(s string) bool {
	return (strings.Contains(s, " |") || strings.HasPrefix(s, "Step ") || strings.HasPrefix(s, " ---> ")) && echo.MatchString(s)
}

func isAdvisory(s string) bool {
	s = strings.TrimLeft(s, " \t")
	return s != "" && strings.IndexByte("wWiIdDnNhH[", s[0]) >= 0 && advisory.MatchString(s)
}

func commandIn(s string) []int {
	for _, words := range []string{"did not complete", "executor failed", "returned a ", "did not exit", "Error while"} {
		if strings.Contains(s, words) {
			return command.FindStringIndex(s)
		}
	}
	return nil
}

// read finds out what a line says.
func (b *buildLine) read() {
	if s := strings.TrimSpace(b.text); s == "" || strings.HasPrefix(s, "× ") {
		b.text = strings.TrimPrefix(s, "× ")
	}
	if strings.Contains(b.text, ": ") {
		b.text = lead.ReplaceAllString(b.text, "$1")
	}
	b.says = strings.TrimSpace(b.text)
	if at := commandIn(b.says); at != nil {
		b.secondary = true
		b.says = strings.TrimSpace(b.says[at[1]:])
	} else if uninformative.MatchString(b.says) {
		b.secondary = true
	}
}
