package diagnosis

import (
	"strings"
)

var (
	// nodeLine is where Node shows the line that threw, with its text on the next. It may
	// begin with file://.
	nodeLine = re(`^(/\S+\.(?:[mc]?[jt]s|[jt]sx)):(\d{1,9})$`)
	// nodeFrame is an entry of the stack below an exception: "at main (/app/bot.js:3:9)".
	nodeFrame = re(`^\s+at (?:[\w<].*|(?:.+? \()?(?:file://)?[^()\s]+:\d{1,9}:\d{1,9}\)?)$`)
)

// nodeSource reads what Node prints before an uncaught exception: file and line, the
// text, carets beneath it, and blank lines.
type nodeSource struct {
	frame *frame // nil for none
	lines int    // since its file and line
}

// reads reports whether a line is of that.
func (n *nodeSource) reads(s string) bool {
	if file := strings.TrimPrefix(s, "file://"); strings.HasPrefix(file, "/") {
		if m := nodeLine().FindStringSubmatch(file); m != nil {
			f := newFrame(append(m, ""))
			n.frame, n.lines = &f, 0
			return true
		}
	}
	if n.frame == nil {
		return false
	}
	n.lines++
	switch {
	case n.lines == 1:
		n.frame.text = strings.TrimSpace(s)
		return true
	case n.lines > 5:
		n.frame = nil
	}
	return strings.TrimLeft(s, " \t^~") == ""
}
