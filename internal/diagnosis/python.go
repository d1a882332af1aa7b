package diagnosis

import (
	"regexp"
	"strconv"
	"strings"
)

// exception is an exception in a text.
type exception struct {
	line    string // as printed: "ImportError: cannot import name 'x' from 'y'"
	name    string // "json.decoder.JSONDecodeError"
	typ     string // "JSONDecodeError"
	message string // without the type, and with the lines that follow it
	frames  []frame

	at     int  // which line of the text it is
	till   int  // the last line of its message
	depth  int  // in exception groups
	minor  bool // it is seldom why a process ends
	logged bool // a log line has it, so that it may have been handled
	below  bool // its message begins on a line below it
	sub    bool // no exception: a line between the parts of a group
	lesser bool // it did not end the process: a line before its traceback says so
	exits  bool // so does one that it was raised as the process ended
}

// rank is how likely an exception is why a process ends.
func (e *exception) rank() int {
	switch {
	case e.exits:
		return 0
	case e.minor:
		return 1
	}
	return 2
}

// frame is an entry of a traceback.
type frame struct {
	file string
	line int
	in   string // the function; "" for a SyntaxError's
	text string // what the line says; "" when it is unknown
}

const header = "Traceback (most recent call last)"

var (
	// prefixedFile is fileLine behind what a collector puts before each line.
	prefixedFile = regexp.MustCompile(`^(\S.*?)  +File "[^"]+", line \d{1,9}(?:, in .+)?$`)

	fileLine = regexp.MustCompile(`^\s*(?:> )?File "([^"]+)", line (\d{1,9})(?:, in (.+))?$`)
	margin   = regexp.MustCompile(`^( *)\| ?`)
	groupSub = regexp.MustCompile(`^( *(?:\+-)?)\+-{4,}(?: (?:\d+|\.\.\.) -{4,})?$`)
	cutOut   = regexp.MustCompile(`(?i)^\W*(?:…|\.\.\.|\[).*\b(?:cut|truncated|omitted|skipped)\b.*(?:…|\.\.\.|\])\W*$`)
	chained  = regexp.MustCompile(`^(?:During handling of the above exception|The above exception was the direct cause)`)

	// typed is the line of an exception: its name has a capital or a module. One
	// that sounds like an exception's stands even without a traceback.
	typed      = regexp.MustCompile(`^((?:[\pL_][\pL\d_]*\.|<locals>\.)+[\pL_][\pL\d_]*|_*\p{Lu}[\pL\d_]*)(?: \[\w+\])?(?::(?: (.*))?)?$`)
	sound      = regexp.MustCompile(`(?:Error|Exception|ExceptionGroup|Interrupt|Exit|Warning|Timeout|Fault)$|\.(?:error|timeout|gaierror|herror)$`)
	minorTypes = regexp.MustCompile(`^(?:KeyboardInterrupt|SystemExit|CancelledError|GeneratorExit|HaltServer|CalledProcessError)$`)

	// What rich draws: │ /app/bot.py:12 in main │ and │ ❱ 12 │   work() │. Where there
	// is little space, the function is on the next line.
	richFile = regexp.MustCompile(`^│ (\S.*):(\d{1,9})(?: in (\S+))?\s*│$`)
	richText = regexp.MustCompile(`^│ ❱ *(\d{1,9}) ([│ ]*)(.*?)\s*│$`)
)

// lesser begins what is printed of an exception that does not end the process: at
// the interpreter's exit, in a thread, in a task.
var lesser = regexp.MustCompile(`^(?:Exception ignored |Error in atexit|Exception in thread |Exception in callback |` +
	`(?:Task|Future) exception was never retrieved|exception calling callback|unhandled exception during asyncio|` +
	`(?:protocol|transport|handle|future|task|socket|asyncgen): <)`)

// other is a line that an exception's message does not have, for others print it: a
// warning, or what a client says as the interpreter exits.
var other = regexp.MustCompile(`^\S+:\d+: \w*Warning: |^(?:Sentry is attempting |Unclosed c|Task was destroyed |Fatal error on |s6-|` +
	`npm (?:ERR!|error) |make: \*\*\* |failed to send, dropping |Fatal Python error: )`)

// leaving begins what is printed of an exception as the interpreter exits or a
// connection is lost, which says the least of why a process ends.
var leaving = regexp.MustCompile(`^(?:Exception ignored |Error in atexit|(?:protocol|transport|handle|socket|asyncgen): <)`)

const (
	loggingError    = "--- Logging error"
	loggingErrorEnd = "--- End of logging error ---"
	maxMessage      = 40 // lines of a message
)

// beforeHeader is what is before a traceback's header on its line; "" for nothing, and
// where the line has none.
func beforeHeader(s string) string {
	before, _, ok := strings.Cut(s, header)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(before, "Exception Group "), "+ ")
}

// isCut reports whether a line says that lines were left out.
func isCut(s string) bool {
	return (strings.Contains(s, "…") || strings.Contains(s, "...") || strings.Contains(s, "[")) && cutOut.MatchString(s)
}

// exceptionLine takes the line of an exception apart; nil for any other, most of which
// are seen by their beginning.
func exceptionLine(s string) []string {
	name, _, _ := strings.Cut(s, ":")
	if s == "" || s[0] >= 'a' && s[0] <= 'z' && !strings.Contains(name, ".") {
		return nil
	}
	return typed.FindStringSubmatch(s)
}

// exceptionType is the type in the line of an exception, without its module; "" for any
// other line, and for a type that does not sound like an exception's.
func exceptionType(s string) string {
	m := exceptionLine(s)
	if m == nil || !sound.MatchString(m[1]) {
		return ""
	}
	return m[1][strings.LastIndexByte(m[1], '.')+1:]
}

// prefixed takes a line apart that has an entry of a traceback behind what a collector
// puts before it.
func prefixed(s string) []string {
	if !strings.Contains(s, `File "`) {
		return nil
	}
	return prefixedFile.FindStringSubmatch(s)
}

// parser goes through a text line by line.
type parser struct {
	found []exception
	open  *exception // a traceback whose exception is still to come
	at    int        // the line that is read

	base    int    // how far the open traceback is indented
	prefix  string // what stands before each of its lines
	shared  bool   // it does, so that a line without it is someone else's
	source  bool   // the last frame's text may be next
	inside  int    // how far that frame is indented
	more    bool   // the last exception's message may continue
	bare    bool   // an exception may come without a traceback: a group's part, or behind a cut
	ignored bool   // what comes next did not end the process
	exits   bool   // what comes next was raised as it ended
	level   bool   // the line before is a log line's
	failing int    // tracebacks of a logging handler's own error so far; -1 outside of one
	skipped bool   // the line that is read is of one
	script  script // what Node prints before an exception
}

// parse returns the exceptions of a text in their order, and marks the lines that are
// of none.
func parse(lines []line) []exception {
	p := parser{failing: -1}
	for i, l := range lines {
		p.at = i
		p.read(l)
		lines[i].aside = p.skipped
		p.level = l.level != ""
	}
	return p.found
}

func (p *parser) read(l line) {
	s, depth, logged := l.text, 0, l.level != ""
	if l.record && (p.open != nil || strings.Contains(s, header)) {
		l.level = "" // a line of a traceback that is logged line by line
	}
	if p.prefix != "" && (l.level == "" || p.open != nil) {
		if n := prefixLen(p.prefix, s); n >= 0 {
			s, l.level, p.shared = s[n:], "", true
		} else if p.shared && (p.open != nil || p.more) && !strings.Contains(s, header) {
			if p.skipped = p.skips(l, s); !p.skipped && lesser.MatchString(s) {
				p.ignored, p.exits = true, leaving.MatchString(s)
			}
			return
		}
	} else if m := prefixed(s); m != nil && l.level == "" && p.open == nil && !strings.HasPrefix(s, "|") && !strings.HasPrefix(s, ">") && !strings.Contains(s, header) {
		p.prefix, p.shared, s = m[1], true, s[len(m[1]):]
	}
	if p.skipped = p.skips(l, s); p.skipped {
		return
	}
	if m := groupSub.FindStringSubmatch(s); m != nil {
		p.found = append(p.found, exception{sub: true, depth: len(m[1])})
		p.open, p.source, p.more, p.bare = nil, false, false, true
		return
	}
	if m := margin.FindStringSubmatch(s); m != nil && l.level == "" {
		s, depth = s[len(m[0]):], max(0, len(m[1])-2)
	}
	trimmed := strings.TrimSpace(s)
	switch {
	case strings.Contains(s, header):
		p.start(s, depth, logged || p.level)
		if m := fileLine.FindStringSubmatch(s[strings.Index(s, header)+len(header)+len(":"):]); m != nil {
			p.frame(m, 2, depth)
		}
	case trimmed == "":
		p.more = p.more && p.found[len(p.found)-1].below
	case p.script.reads(s):
	case chained.MatchString(trimmed):
		p.open, p.source, p.more = nil, false, false
		p.ignored = len(p.found) > 0 && p.found[len(p.found)-1].lesser
		p.exits = len(p.found) > 0 && p.found[len(p.found)-1].exits
	case isCut(trimmed):
		if p.open != nil {
			p.open.frames = nil // what is behind the cut may be of another traceback
		}
		p.source, p.more, p.bare = false, false, true
	case lesser.MatchString(trimmed):
		p.open, p.source, p.more, p.ignored, p.exits = nil, false, false, true, leaving.MatchString(trimmed)
	case fileLine.MatchString(s):
		p.frame(fileLine.FindStringSubmatch(s), strings.Index(s, `File "`), depth)
	case p.open != nil && strings.HasPrefix(trimmed, "│"):
		p.rich(trimmed)
	case l.level != "":
		p.more = false
	case p.source && indent(s) > p.inside:
		f := p.open.frames
		f[len(f)-1].text = trimmed
		p.source = false
	case p.more && p.nodeFrame(s):
	case p.more && p.supersedes(trimmed):
		p.reopen()
		p.end(trimmed, depth)
	case p.more && other.MatchString(trimmed):
		p.more = false
	case p.more:
		p.continues(s, trimmed)
	case indent(s) <= p.base:
		p.end(trimmed, depth)
	}
}

// skips reports whether a line is of what a logging handler prints of its
// error: what it was to log, and where from. That says nothing of a crash.
func (p *parser) skips(l line, s string) bool {
	switch {
	case strings.Contains(s, loggingError):
		p.open, p.more, p.source, p.failing = nil, false, false, 0
		return true
	case p.failing < 0:
		return false
	case strings.Contains(s, loggingErrorEnd), strings.HasPrefix(s, "Arguments:"):
		p.failing = -1
		return true
	case chained.MatchString(strings.TrimSpace(s)):
		p.failing--
		return true
	case strings.Contains(s, header):
		p.failing++
	}
	if p.failing > 1 || l.level != "" { // the end is missing
		p.failing = -1
	}
	return p.failing >= 0
}

// continues takes in a line of the last exception's message.
func (p *parser) continues(s, trimmed string) {
	e := &p.found[len(p.found)-1]
	e.till = p.at
	if p.at-e.at > maxMessage || len(e.message) > maxLine {
		return
	}
	if strings.HasSuffix(e.line, ":") && !e.below { // it ends with a colon
		e.line += " " + trimmed
	}
	e.message += "\n" + strings.TrimRight(s, " ")
}

// start begins a traceback at its header.
func (p *parser) start(s string, depth int, logged bool) {
	before := beforeHeader(s)
	p.open, p.base, p.prefix, p.shared = &exception{depth: depth, minor: p.ignored, lesser: p.ignored, exits: p.exits, logged: logged}, 0, "", false
	p.source, p.more, p.bare, p.ignored, p.exits = false, false, false, false, false
	if lead := strings.TrimSpace(before); strings.HasPrefix(lead, "╭") {
		p.base = indent(before) // rich's handler draws its box in a column
	} else if lead != "" && depth == 0 {
		p.prefix = before
	}
}

// frame takes an entry in, of the open traceback or of one without its top.
func (p *parser) frame(m []string, at, depth int) {
	if p.more && p.doubtful() {
		p.reopen()
	}
	if p.open == nil {
		p.open = &exception{depth: depth, minor: p.ignored, lesser: p.ignored, exits: p.exits}
	}
	p.more, p.bare, p.base = false, false, max(0, at-2)
	n, _ := strconv.Atoi(m[2])
	p.open.frames = append(p.open.frames, frame{file: m[1], line: n, in: m[3]})
	p.source, p.inside = true, at
}

// doubtful reports whether the last exception may be a line that someone else
// printed in the middle of a traceback.
func (p *parser) doubtful() bool {
	e := p.found[len(p.found)-1]
	return !sound.MatchString(e.name) && len(e.frames) > 0
}

// supersedes reports whether a line is the exception that a doubtful one was
// taken for.
func (p *parser) supersedes(s string) bool {
	return exceptionType(s) != "" && p.doubtful()
}

// reopen takes a doubtful exception back.
func (p *parser) reopen() {
	e := p.found[len(p.found)-1]
	p.open, p.found = &e, p.found[:len(p.found)-1]
}

// rich takes in a line of a box.
func (p *parser) rich(s string) {
	if m := richFile.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[2])
		p.open.frames = append(p.open.frames, frame{file: m[1], line: n, in: m[3]})
	} else if m := richText.FindStringSubmatch(s); m != nil && len(p.open.frames) > 0 {
		f := &p.open.frames[len(p.open.frames)-1]
		if n, _ := strconv.Atoi(m[1]); n == f.line && f.text == "" {
			f.text = m[3]
		}
	}
}

// end takes in a line that may be the open traceback's exception, or one that
// has none.
func (p *parser) end(s string, depth int) {
	m := exceptionLine(s)
	if m == nil && p.open == nil {
		m = panicked.FindStringSubmatch(s)
	} else if m == nil || p.open == nil && !p.bare && !sound.MatchString(m[1]) {
		return
	}
	if m == nil {
		return
	}
	e := exception{depth: depth, minor: !p.bare}
	if p.open != nil && p.open.depth == depth {
		e = *p.open
	}
	e.frames = append(e.frames, p.script.frames(p.open == nil)...)
	e.line, e.name, e.message, e.at, e.till, e.below = s, m[1], m[2], p.at, p.at, strings.HasSuffix(s, ":") && m[2] == ""
	e.typ = e.name[strings.LastIndexByte(e.name, '.')+1:]
	e.minor = e.minor || minorTypes.MatchString(e.typ)
	e.exits = e.exits || strings.Contains(e.message, "interpreter shutdown")
	p.found = append(p.found, e)
	p.open, p.source, p.bare, p.ignored, p.exits = nil, false, false, false, false
	p.more = e.typ != "KeyError" // whose message is the key as it is written in code
}

// last returns the exception that ended the process: the last one, or of a
// group the last one of its first part, which happened first. Its frames have
// the group's before them.
func last(all []exception) (exception, bool) {
	var outer []frame
	for {
		e, below, ok := top(all)
		if !ok {
			return exception{}, false
		}
		e.frames = append(outer, e.frames...)
		if _, _, ok := top(below); !ok {
			return e, true
		}
		all, outer = below, e.frames[:len(e.frames):len(e.frames)]
	}
}

// top picks one of the exceptions that are in no group, and returns what is in
// its first part.
func top(all []exception) (e exception, below []exception, ok bool) {
	depth := -1
	for _, e := range all {
		if !e.sub && (depth < 0 || e.depth < depth) {
			depth = e.depth
		}
	}
	at := -1
	for i, e := range all {
		if !e.sub && e.depth == depth && (at < 0 || e.rank() >= all[at].rank()) {
			at = i
		}
	}
	if at < 0 {
		return exception{}, nil, false
	}
	below = all[at+1:]
	if len(below) == 0 || !below[0].sub {
		return all[at], nil, true
	}
	part := below[0].depth
	for i, e := range below[1:] {
		if e.sub && e.depth <= part || !e.sub && e.depth <= depth {
			return all[at], below[1 : i+1], true
		}
	}
	return all[at], below[1:], true
}
