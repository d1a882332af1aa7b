package pipecat

import (
	"cmp"
	"errors"
	"slices"
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
	most := cmp.Or(c.maxBytes, maxKept)
	if len(c.out) > most {
		return 0, errTooLarge
	}
	if len(c.out) > most/16 && cap(c.out) < most { // all at once: growing in steps leaves several times as much
		c.out = slices.Grow(c.out, most+len(p)-len(c.out))
	}
	size := len(p)
	for len(p) > 0 {
		switch n := plain(p, c.inText); {
		case !c.inText:
			c.out = append(c.out, p[:n]...)
			if p = p[n:]; len(p) > 0 { // a text begins
				c.out = append(c.out, '"')
				c.inText, p = true, p[1:]
			}
		case len(c.unit) == 0 && n > 0:
			p = p[c.keepSome(p[:n]):]
		case len(c.unit) == 0 && p[0] == '"':
			c.endText()
			p = p[1:]
		default:
			c.unit = append(c.unit, p[0])
			p = p[1:]
			if n := len(c.unit); n == 1 || c.unit[1] == 'u' && n < len(`\uffff`) {
				continue
			}
			c.keep(c.unit)
			c.unit = c.unit[:0]
		}
	}
	return size, nil
}

// plain counts the bytes before the next text, or in a text before its end or its
// next escape sequence.
func plain(p []byte, inText bool) int {
	for i, b := range p {
		if b == '"' || inText && b == '\\' {
			return i
		}
	}
	return len(p)
}

// keepSome takes bytes of a text that mean themselves, as many at once as have the
// same place in what is kept, and returns how many.
func (c *truncator) keepSome(p []byte) int {
	half := c.maxText / 2
	room := half - c.kept
	if room <= 0 {
		if room = half/2 - len(c.last); room <= 0 {
			room = 1 // the first of a new end
		}
	}
	n := min(len(p), room)
	c.keep(p[:n])
	return n
}

// keep takes what is not to be cut apart: an escape sequence, or bytes that have
// room.
func (c *truncator) keep(unit []byte) {
	switch half := c.maxText / 2; {
	case c.kept < half:
		c.kept += len(unit)
		c.out = append(c.out, unit...)
	case len(c.last) < half/2:
		c.last = append(c.last, unit...)
	default:
		c.left = c.left || len(c.before) > 0
		c.before, c.last = c.last, append(c.before[:0], unit...)
	}
}

func (c *truncator) endText() {
	if c.left {
		c.out = append(c.out, cutOut...)
	}
	c.out = append(append(append(c.out, c.before...), c.last...), '"')
	c.inText, c.kept, c.left = false, 0, false
	c.before, c.last = c.before[:0], c.last[:0]
}
