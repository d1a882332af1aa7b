package pipecat

import (
	"bytes"
	"cmp"
	"errors"
)

// cutOut stands where the middle of a text was.
const cutOut = "[… cut out …]"

// truncator copies JSON, and leaves out the middle of each text that is very long,
// so that a large response takes little memory. Its output is JSON if its input is.
type truncator struct {
	maxText  int // bytes of a text, about
	maxBytes int // bytes of all; 0: maxKept
	out      []byte
	inText   bool
	unit     []byte // of a text, that is not complete: an escape sequence
	kept     int    // bytes of the text's beginning
	// The text's end so far is before and last; each of them is about half as
	// long as what is kept of a text.
	before, last []byte
	left         bool // something of it was left out
}

var errTooLarge = errors.New("it is too large")

// Write fails when more is kept than a response may have.
func (c *truncator) Write(p []byte) (int, error) {
	if len(c.out) > cmp.Or(c.maxBytes, maxKept) {
		return 0, errTooLarge
	}
	size := len(p)
	for len(p) > 0 {
		if n := c.run(p); n > 0 { // nearly all of a response: it is copied at once
			c.out = append(c.out, p[:n]...)
			p = p[n:]
			continue
		}
		b := p[0]
		p = p[1:]
		switch {
		case !c.inText: // at a text's beginning
			c.out = append(c.out, b)
			c.inText = true
		case len(c.unit) == 0 && b == '"':
			c.endText()
		default:
			c.unit = append(c.unit, b)
			if n := len(c.unit); c.unit[0] == '\\' && (n == 1 || c.unit[1] == 'u' && n < len(`\uffff`)) {
				continue
			}
			c.keep()
		}
	}
	return size, nil
}

// run returns how many of the next bytes are copied as they are: those up to the
// next text, or of the beginning of a text up to its end or an escape sequence.
func (c *truncator) run(p []byte) int {
	if !c.inText {
		if n := bytes.IndexByte(p, '"'); n >= 0 {
			return n
		}
		return len(p)
	}
	if len(c.unit) > 0 {
		return 0
	}
	n := min(len(p), max(0, c.maxText/2-c.kept))
	if end := bytes.IndexAny(p[:n], `"\`); end >= 0 {
		n = end
	}
	c.kept += n
	return n
}

// keep takes a unit that is complete.
func (c *truncator) keep() {
	switch half := c.maxText / 2; {
	case c.kept < half:
		c.kept += len(c.unit)
		c.out = append(c.out, c.unit...)
	case len(c.last) < half/2:
		c.last = append(c.last, c.unit...)
	default:
		c.left = c.left || len(c.before) > 0
		c.before, c.last = c.last, append(c.before[:0], c.unit...)
	}
	c.unit = c.unit[:0]
}

func (c *truncator) endText() {
	if c.left {
		c.out = append(c.out, cutOut...)
	}
	c.out = append(append(append(c.out, c.before...), c.last...), '"')
	c.inText, c.kept, c.left = false, 0, false
	c.before, c.last = c.before[:0], c.last[:0]
}
