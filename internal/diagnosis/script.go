package diagnosis

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	// scriptLine is where Node shows the line that threw, with its text on the next.
	scriptLine = regexp.MustCompile(`^(?:file://)?(/\S+\.(?:[mc]?[jt]s|[jt]sx)):(\d{1,9})$`)
	// scriptFrame is an entry of its stack: the innermost comes first, without a text.
	scriptFrame = regexp.MustCompile(`^\s+at (?:(.+?) \()?(?:file://)?([^()\s]+):(\d{1,9}):\d{1,9}\)?$`)
	scriptOther = regexp.MustCompile(`^\s+at [\w<].*$`)

	// panicked is Go's line.
	panicked = regexp.MustCompile(`^(panic): (.+)$`)
)

// script reads what Node prints before an uncaught exception.
type script struct {
	frame *frame
	lines int // since its line
}

// reads reports whether a line is of that.
func (c *script) reads(s string) bool {
	if m := scriptLine.FindStringSubmatch(s); m != nil {
		n, _ := strconv.Atoi(m[2])
		c.frame, c.lines = &frame{file: m[1], line: n}, 0
		return true
	}
	if c.frame == nil {
		return false
	}
	c.lines++
	switch {
	case c.lines == 1:
		c.frame.text = strings.TrimSpace(s)
		return true
	case c.lines > 5:
		c.frame = nil
	}
	return strings.TrimLeft(s, " \t^~") == ""
}

// frames are the line that threw, for an exception that has no traceback of
// Python's.
func (c *script) frames(bare bool) (frames []frame) {
	if c.frame != nil && bare {
		frames = []frame{*c.frame}
	}
	c.frame = nil
	return frames
}

// nodeFrame reports whether a line is of the last exception's stack in Node.
func (p *parser) nodeFrame(s string) bool {
	if !scriptFrame.MatchString(s) && !scriptOther.MatchString(s) {
		return false
	}
	p.found[len(p.found)-1].till = p.at
	return true
}
