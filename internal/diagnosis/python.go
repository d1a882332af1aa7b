package diagnosis

import (
	"slices"
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

	at       int  // which line of the text it is
	depth    int  // in exception groups
	minor    bool // it is seldom why a process ends
	logged   bool // a log line has it, so that it may have been handled
	below    bool // its message begins on a line below it
	divider  bool // no exception: a line between the parts of a group
	nonFatal bool // a line before its traceback says that it did not end the process
	atExit   bool // it was raised as the process ended
	chained  bool // the one before is its direct cause
}

// rank is how likely an exception is why a process ends.
func (e *exception) rank() int {
	switch {
	case e.atExit:
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

// newFrame is a frame without a text, of a match with its file, line and function.
func newFrame(m []string) frame {
	n, _ := strconv.Atoi(m[2])
	return frame{file: m[1], line: n, in: m[3]}
}

const header = "Traceback (most recent call last)"

var (
	fileLine = re(`^\s*(?:> )?File "([^"]+)", line (\d{1,9})(?:, in (.+))?$`)
	// prefixedFile is fileLine behind what a log collector puts before each line.
	prefixedFile = re(`^([^\s|>].*?)  +File "[^"]+", line \d{1,9}(?:, in .+)?$`)
	// groupDivider is between the parts of an exception group.
	groupDivider = re(`^( *(?:\+-)?)\+-{4,}(?: (?:\d+|\.\.\.) -{4,})?$`)
	// cutOut says that lines were left out.
	cutOut = re(`(?i)^\W*(?:…|\.\.\.|\[).*\b(?:cut|truncated|omitted|skipped)\b.*(?:…|\.\.\.|\])\W*$`)

	// typed is the line of an exception: its name has a capital or a module. One whose
	// name is an errorName stands even without a traceback.
	typed      = re(`^((?:[\pL_][\pL\d_]*\.|<locals>\.)+[\pL_][\pL\d_]*|_*\p{Lu}[\pL\d_]*)(?: \[\w+\])?(?::(?: (.*))?)?$`)
	errorName  = re(`(?:Error|Exception|ExceptionGroup|Interrupt|Exit|Warning|Timeout|Fault)$|\.(?:error|timeout|gaierror|herror)$`)
	minorTypes = re(`^(?:KeyboardInterrupt|SystemExit|CancelledError|GeneratorExit|HaltServer|CalledProcessError)$`)

	// panicked is the same of Go.
	panicked = re(`^(panic): (.+)$`)

	// nonFatal is before an exception that does not end the process: at the interpreter's
	// exit, in a thread, in a task. atExit is those of them, and lost connections, that say
	// the least of why a process ends.
	nonFatal = re(`^(?:Exception ignored |Error in atexit|Exception in thread |Exception in callback |` +
		`(?:Task|Future) exception was never retrieved|exception calling callback|unhandled exception during asyncio|` +
		`(?:protocol|transport|handle|future|task|socket|asyncgen): <)`)
	atExit = re(`^(?:Exception ignored |Error in atexit|(?:protocol|transport|handle|socket|asyncgen): <)`)

	// notMessage is a line that no exception's message has, because others print it: a
	// warning, or what a client says as the interpreter exits.
	notMessage = re(`^\S+:\d+: \w*Warning: |^(?:Sentry is attempting |Unclosed c|Task was destroyed |Fatal error on |s6-|` +
		`npm (?:ERR!|error) |make: \*\*\* |failed to send, dropping |Fatal Python error: )`)

	// What rich draws: │ /app/bot.py:12 in main │ and │ ❱ 12 │   work() │. Where there
	// is little space, the function is on the next line.
	richFile = re(`^│ (\S.*):(\d{1,9})(?: in (\S+))?\s*│$`)
	richText = re(`^│ ❱ *(\d{1,9}) [│ ]*(.*?)\s*│$`)
)

const (
	loggingError    = "--- Logging error"
	loggingErrorEnd = "--- End of logging error ---"
	maxMessage      = 40 // lines of a message
)

// isCut reports whether a line says that lines were left out.
func isCut(s string) bool {
	return (strings.Contains(s, "…") || strings.Contains(s, "...") || strings.Contains(s, "[")) && cutOut().MatchString(s)
}

// isChain reports whether a line is between the tracebacks of chained exceptions.
func isChain(s string) bool {
	return strings.HasPrefix(s, "During handling of the above exception") || strings.HasPrefix(s, "The above exception was the direct cause")
}

// beforeHeader is what is before a traceback's header on its line; "" for nothing, and
// where the line has none.
func beforeHeader(s string) string {
	before, _, ok := strings.Cut(s, header)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(before, "Exception Group "), "+ ")
}

// exceptionLine returns name and message of an exception's line; nil for any other line,
// most of which it rules out by how they begin.
func exceptionLine(s string) []string {
	name, _, _ := strings.Cut(s, ":")
	if s == "" || s[0] >= 'a' && s[0] <= 'z' && !strings.Contains(name, ".") || strings.Contains(name, " ") && !strings.HasSuffix(name, "]") {
		return nil
	}
	return typed().FindStringSubmatch(s)
}

// exceptionType is the type in the line of an exception, without its module; "" for any
// other line, and for a type that is no errorName.
func exceptionType(s string) string {
	m := exceptionLine(s)
	if m == nil || !errorName().MatchString(m[1]) {
		return ""
	}
	return m[1][strings.LastIndexByte(m[1], '.')+1:]
}

// parser goes through a text line by line.
type parser struct {
	found []exception
	open  *exception // a traceback whose exception is still to come
	at    int        // the line that is read

	base        int        // how far the open traceback is indented
	prefix      string     // what is before each of its lines
	prefixSeen  bool       // on another line, so that one without it is not the traceback's
	textNext    bool       // the last frame's text may be next
	frameIndent int        // of that frame
	inMessage   bool       // the message of the last exception may continue
	chained     bool       // the last exception is the direct cause of the next
	bare        bool       // an exception may come without a traceback: a group's part, or behind a cut
	nonFatal    bool       // what comes next did not end the process
	atExit      bool       // what comes next was raised as it ended
	afterLog    bool       // the line before is a log line
	handler     int        // tracebacks of a logging handler's own error so far; -1 outside of one
	aside       bool       // the line that is read is of one
	node        nodeSource // what Node prints before an exception
}

// parse returns the exceptions of a text in their order, and marks the lines that are
// aside.
func parse(lines []line) []exception {
	p := parser{handler: -1}
	for i, l := range lines {
		p.at = i
		p.read(l)
		lines[i].aside = p.aside
		p.afterLog = l.level != ""
	}
	return p.found
}

// previous is the exception that was found last.
func (p *parser) previous() *exception { return &p.found[len(p.found)-1] }

// begin opens a traceback.
func (p *parser) begin(depth int) {
	p.open = &exception{depth: depth, minor: p.nonFatal, nonFatal: p.nonFatal, atExit: p.atExit}
}

// abandon gives up the open traceback, and ends the last exception's message.
func (p *parser) abandon() { p.open, p.textNext, p.inMessage = nil, false, false }

func (p *parser) read(l line) {
	s, depth, logged := l.text, 0, l.level != ""
	isHeader := strings.Contains(s, header) && !p.quotes(s)
	if l.record && (p.open != nil || isHeader) {
		l.level = "" // a line of a traceback that is logged line by line
	}
	if p.prefix != "" && (l.level == "" || p.open != nil) {
		if n := prefixLen(p.prefix, s); n >= 0 {
			s, l.level, p.prefixSeen = s[n:], "", true
		} else if p.prefixSeen && (p.open != nil || p.inMessage) && !isHeader {
			if p.aside = p.isAside(l, s); !p.aside && nonFatal().MatchString(s) {
				p.nonFatal, p.atExit = true, atExit().MatchString(s)
			}
			return
		}
	} else if l.level == "" && p.open == nil && !isHeader && strings.Contains(s, `File "`) {
		if m := prefixedFile().FindStringSubmatch(s); m != nil {
			p.prefix, p.prefixSeen, s = m[1], true, s[len(m[1]):]
		}
	}
	if p.aside = p.isAside(l, s); p.aside {
		return
	}
	if m := groupDivider().FindStringSubmatch(s); m != nil {
		p.abandon()
		p.found = append(p.found, exception{divider: true, depth: len(m[1])})
		p.bare = true
		return
	}
	if text, ok := strings.CutPrefix(strings.TrimLeft(s, " "), "|"); ok && l.level == "" { // the margin of a group
		s, depth = strings.TrimPrefix(text, " "), max(0, len(s)-len(text)-len("  |"))
	}
	trimmed := strings.TrimSpace(s)
	file := strings.Index(s, `File "`)
	switch {
	case isHeader:
		p.start(s, depth, logged || p.afterLog)
		_, after, _ := strings.Cut(s, header)
		if m := fileLine().FindStringSubmatch(strings.TrimPrefix(after, ":")); m != nil {
			p.frame(m, 2, depth)
		}
	case trimmed == "":
		p.inMessage = p.inMessage && p.previous().below
	case p.node.reads(s):
	case isChain(trimmed):
		p.abandon()
		p.chained = strings.HasPrefix(trimmed, "The above exception")
		p.nonFatal = len(p.found) > 0 && p.previous().nonFatal
		p.atExit = len(p.found) > 0 && p.previous().atExit
	case isCut(trimmed):
		if p.open != nil {
			p.open.frames = nil // what is behind the cut may be of another traceback
		}
		p.textNext, p.inMessage, p.bare = false, false, true
	case nonFatal().MatchString(trimmed):
		p.abandon()
		p.nonFatal, p.atExit = true, atExit().MatchString(trimmed)
	case file >= 0 && fileLine().MatchString(s):
		p.frame(fileLine().FindStringSubmatch(s), file, depth)
	case p.open != nil && strings.HasPrefix(trimmed, "│"):
		p.rich(trimmed)
	case l.level != "":
		p.inMessage = false
	case p.textNext && indent(s) > p.frameIndent:
		p.open.frames[len(p.open.frames)-1].text = trimmed
		p.textNext = false
	case p.inMessage && nodeFrame().MatchString(s):
	case p.inMessage && exceptionType(trimmed) != "" && p.isDoubtful():
		p.reopen()
		p.end(trimmed, depth)
	case p.inMessage && notMessage().MatchString(trimmed):
		p.inMessage = false
	case p.inMessage:
		p.extend(s, trimmed)
	case indent(s) <= p.base:
		p.end(trimmed, depth)
	}
}

// quotes reports whether a line ends the open traceback with an exception that has
// another traceback in its message.
func (p *parser) quotes(s string) bool {
	return p.open != nil && len(p.open.frames) > 0 && exceptionType(s) != ""
}

// isAside reports whether a line is of what a logging handler prints of an error in it:
// what it was to log, and where from. That says nothing of a crash.
func (p *parser) isAside(l line, s string) bool {
	switch {
	case strings.Contains(s, loggingError):
		p.abandon()
		p.handler = 0
		return true
	case p.handler < 0:
		return false
	case strings.Contains(s, loggingErrorEnd), strings.HasPrefix(s, "Arguments:"):
		p.handler = -1
		return true
	case isChain(strings.TrimSpace(s)):
		p.handler--
		return true
	case strings.Contains(s, header):
		p.handler++
	}
	if p.handler > 1 || l.level != "" { // the end is missing
		p.handler = -1
	}
	return p.handler >= 0
}

// extend adds a line to the last exception's message.
func (p *parser) extend(s, trimmed string) {
	e := p.previous()
	if p.at-e.at > maxMessage || len(e.message) > maxLine {
		return
	}
	if strings.HasSuffix(e.line, ":") && !e.below { // it announces the line
		e.line += " " + trimmed
	}
	e.message += "\n" + strings.TrimRight(s, " ")
}

// start begins a traceback at its header.
func (p *parser) start(s string, depth int, logged bool) {
	p.begin(depth)
	p.open.logged, p.open.chained, p.chained = logged, p.chained, false
	p.base, p.prefix, p.prefixSeen = 0, "", false
	p.textNext, p.inMessage, p.bare, p.nonFatal, p.atExit = false, false, false, false, false
	before := beforeHeader(s)
	if lead := strings.TrimSpace(before); strings.HasPrefix(lead, "╭") {
		p.base = indent(before) // rich's handler draws its box in a column
	} else if lead != "" && depth == 0 {
		p.prefix = before
	}
}

// frame adds a frame to the open traceback, or to one whose header is missing.
func (p *parser) frame(m []string, at, depth int) {
	if p.inMessage && p.isDoubtful() {
		p.reopen()
	}
	if p.open == nil {
		p.begin(depth)
	}
	p.open.frames = append(p.open.frames, newFrame(m))
	p.inMessage, p.bare, p.base = false, false, max(0, at-2)
	p.textNext, p.frameIndent = true, at
}

// isDoubtful reports whether the last exception may be a line that another program
// printed in the middle of a traceback.
func (p *parser) isDoubtful() bool {
	e := p.previous()
	return !errorName().MatchString(e.name) && len(e.frames) > 0
}

// reopen makes the last exception the open traceback again.
func (p *parser) reopen() {
	e := *p.previous()
	p.open, p.found = &e, p.found[:len(p.found)-1]
}

// rich adds a line of a box to the open traceback.
func (p *parser) rich(s string) {
	frames := p.open.frames
	if m := richFile().FindStringSubmatch(s); m != nil {
		p.open.frames = append(frames, newFrame(m))
	} else if m := richText().FindStringSubmatch(s); m != nil && len(frames) > 0 {
		f := &frames[len(frames)-1]
		if n, _ := strconv.Atoi(m[1]); n == f.line && f.text == "" {
			f.text = m[2]
		}
	}
}

// end reads a line that may be the open traceback's exception, or one without a
// traceback.
func (p *parser) end(s string, depth int) {
	m := exceptionLine(s)
	if p.open == nil {
		if m == nil {
			m = panicked().FindStringSubmatch(s)
		} else if !p.bare && !errorName().MatchString(m[1]) {
			return
		}
	}
	if m == nil {
		return
	}
	e := exception{depth: depth, minor: !p.bare}
	if p.open != nil && p.open.depth == depth {
		e = *p.open
	}
	if p.open == nil && p.node.frame != nil {
		e.frames = []frame{*p.node.frame}
	}
	e.line, e.name, e.message, e.at, e.below = s, m[1], m[2], p.at, strings.HasSuffix(s, ":") && m[2] == ""
	e.typ = e.name[strings.LastIndexByte(e.name, '.')+1:]
	e.minor = e.minor || minorTypes().MatchString(e.typ)
	e.atExit = e.atExit || strings.Contains(e.message, "interpreter shutdown")
	p.found = append(p.found, e)
	p.abandon()
	p.bare, p.nonFatal, p.atExit, p.node.frame = false, false, false, nil
	p.inMessage = e.typ != "KeyError" // whose message is the key as it is written in code
}

// uncaught returns the exception that ended the process: the last one, or of a group the
// last one of its first part, which happened first. Its frames have the group's before
// them.
func uncaught(all []exception) (e exception, ok bool) {
	for {
		inner, below, found := top(all)
		if !found {
			return e, ok
		}
		inner.frames = slices.Concat(e.frames, inner.frames)
		e, ok, all = inner, true, below
	}
}

// top picks one of the exceptions that are in no group, and returns what is in its first
// part.
func top(all []exception) (e exception, below []exception, ok bool) {
	depth := -1
	for _, e := range all {
		if !e.divider && (depth < 0 || e.depth < depth) {
			depth = e.depth
		}
	}
	at := -1
	for i, e := range all {
		if !e.divider && e.depth == depth && (at < 0 || e.rank() >= all[at].rank()) {
			at = i
		}
	}
	if at < 0 {
		return exception{}, nil, false
	}
	below = all[at+1:]
	if len(below) == 0 || !below[0].divider {
		return all[at], nil, true
	}
	part := below[0].depth
	below = below[1:]
	end := slices.IndexFunc(below, func(e exception) bool { return e.divider && e.depth <= part || !e.divider && e.depth <= depth })
	if end >= 0 {
		below = below[:end]
	}
	return all[at], below, true
}
