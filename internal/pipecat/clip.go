package pipecat

import (
	"cmp"
	"errors"
)

// cutOut stands where the middle of a text was.
const cutOut = "[… cut out …]"

// clipper copies JSON, and leaves out the middle of each text that is very long,
// so that a large answer takes little memory. What it has copied is JSON if what
// it was given is.
type clipper struct {
	most   int // bytes of a text, about
	room   int // bytes of all; 0: maxKept
	out    []byte
	inText bool
	unit   []byte // of a text, that is not complete: an escape sequence
	kept   int    // bytes of the text's beginning
	// The text's end so far is before and last; each of them is about half as
	// long as what is kept of a text.
	before, last []byte
	left         bool // something of it was left out
}

var errTooLarge = errors.New("it is too large")

// Write fails when more is left than an answer may have.
func (c *clipper) Write(p []byte) (int, error) {
	if len(c.out) > cmp.Or(c.room, maxKept) {
		return 0, errTooLarge
	}
	for _, b := range p {
		switch {
		case !c.inText:
			c.out = append(c.out, b)
			c.inText = b == '"'
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
	return len(p), nil
}

// keep takes a unit that is complete.
func (c *clipper) keep() {
	switch half := c.most / 2; {
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

func (c *clipper) endText() {
	if c.left {
		c.out = append(c.out, cutOut...)
	}
	c.out = append(append(append(c.out, c.before...), c.last...), '"')
	c.inText, c.kept, c.left = false, 0, false
	c.before, c.last = c.before[:0], c.last[:0]
}
