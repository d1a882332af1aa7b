package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// minContrast is what a text of the usual size must have against what is behind it.
//
// https://www.w3.org/TR/WCAG22/#contrast-minimum
const minContrast = 4.5

// measured is what measure.js finds of a page in a frame. Lengths are in pixels of CSS.
type measured struct {
	Folded, Open int // how tall the page is
	Wide         int // how wide its content is
	Dark         bool
	Texts        []struct {
		Text, Color string
		Behind      []string // colors, from the nearest element's on
		Opacity     float64
		Left, Right float64
		Scrolls     bool
	}
	Boxes []struct {
		Name, Text  string
		Cut         bool
		Left, Right float64
	}
}

// problems are what a person could not read of a page in a frame of some width.
func (m measured) problems(width int) (problems []string) {
	say := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	outside := func(left, right float64) bool { return left < -0.5 || right > float64(width)+0.5 }
	if len(m.Texts) == 0 {
		say("no text")
	}
	if m.Wide > width {
		say("the page is %d pixels wide", m.Wide)
	}
	for _, t := range m.Texts {
		switch ratio, err := contrast(t.Color, t.Behind, t.Opacity); {
		case err != nil:
			say("%q: %v", t.Text, err)
		case ratio < minContrast:
			say("%q: contrast %.2f", t.Text, ratio)
		}
		if !t.Scrolls && outside(t.Left, t.Right) {
			say("%q: outside of the page", t.Text)
		}
	}
	for _, b := range m.Boxes {
		switch {
		case b.Cut:
			say("%s %q: its content is cut", b.Name, b.Text)
		case outside(b.Left, b.Right):
			say("%s %q: outside of the page", b.Name, b.Text)
		}
	}
	return problems
}

// contrast is how a text stands out from what is behind it, from 1 to 21. Opacity is
// that of the text with all that it is in; where that is not 1, the outermost color
// shines through.
//
// https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
func contrast(text string, behind []string, opacity float64) (float64, error) {
	back := color{255, 255, 255, 1} // the browser's own page
	base := back
	for i := len(behind) - 1; i >= 0; i-- {
		c, err := parseColor(behind[i])
		if err != nil {
			return 0, err
		}
		back = c.over(back)
		if i == len(behind)-1 || base == (color{255, 255, 255, 1}) {
			base = back
		}
	}
	front, err := parseColor(text)
	if err != nil {
		return 0, err
	}
	front = front.over(back)
	front.alpha = opacity
	front = front.over(base)
	a, b := front.luminance(), back.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05), nil
}

// color has red, green and blue from 0 to 255, and an alpha from 0 to 1.
type color struct{ red, green, blue, alpha float64 }

var rgb = regexp.MustCompile(`^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$`)

// parseColor reads a color as a browser computes it.
func parseColor(s string) (c color, err error) {
	m := rgb.FindStringSubmatch(s)
	if m == nil {
		return c, fmt.Errorf("the color %q is not understood", s)
	}
	c.alpha = 1
	for i, to := range []*float64{&c.red, &c.green, &c.blue, &c.alpha} {
		if m[i+1] == "" {
			continue
		}
		if *to, err = strconv.ParseFloat(m[i+1], 64); err != nil {
			return c, fmt.Errorf("the color %q: %w", s, err)
		}
	}
	return c, nil
}

// over is a color as it shows before an opaque one.
func (c color) over(back color) color {
	mix := func(front, back float64) float64 { return front*c.alpha + back*(1-c.alpha) }
	return color{mix(c.red, back.red), mix(c.green, back.green), mix(c.blue, back.blue), 1}
}

// luminance is that of an opaque color, from 0 to 1.
func (c color) luminance() float64 {
	linear := func(v float64) float64 {
		if v /= 255; v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.red) + 0.7152*linear(c.green) + 0.0722*linear(c.blue)
}

// bad are pages that nobody could read, in a frame of 420 pixels, with what must be
// found of each; the same page without its fault is found to be good.
var bad = []struct{ name, body, fault, finds string }{
	{"pale text", `<p style="FAULT">pale</p>`, "color: #999999; background: #ffffff", `"pale": contrast 2.85`},
	{"a background that is not its own", `<div style="FAULT"><p style="color: #333333">behind</p></div>`, "background: #555555", `"behind": contrast 1.69`},
	{"half a background", `<p style="color: #000000; background: #ffffff"><span style="FAULT">half</span></p>`, "background: rgba(0, 0, 0, 0.6)", `"half": contrast 3.66`},
	{"a text that shines through", `<p style="color: #000000; background: #ffffff; FAULT">faint</p>`, "opacity: 0.4", `"faint": contrast 2.85`},
	{"pale in the dark alone", `<style>@media (prefers-color-scheme: dark) { em { FAULT } }</style><p><em>night</em></p>`, "color: #333333", `"night": contrast 1.5`},
	{"a cell that does not break", `<table><tr><td style="FAULT">` + strings.Repeat("a wide cell ", 12) + `</td></tr></table>`, "white-space: nowrap", `table "a wide cell`},
	{"a word that does not break", `<p style="FAULT">` + strings.Repeat("endless", 12) + `</p>`, "overflow-wrap: normal", "the page is"},
	{"a line that is cut", `<p style="FAULT">` + strings.Repeat("a longer line ", 12) + `</p>`, "white-space: nowrap; overflow: hidden", `p "a longer line`},
	{"lines that are cut", `<p style="FAULT">` + strings.Repeat("many lines ", 40) + `</p>`, "height: 30px; overflow: hidden", `p "many lines`},
	{"a block wider than the page", `<pre style="FAULT">code</pre>`, "width: 600px", `pre "code": outside of the page`},
	{"a page without a text", `<p><span style="FAULT">there</span></p>`, "display: none", "no text"},
}
