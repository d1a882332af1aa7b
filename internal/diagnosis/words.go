package diagnosis

import "strings"

// words are texts that are looked for all at once, by where their first three bytes are
// in the table. That spares a long log a search for each of them.
type words [1 << 10][]string

// newWords makes words of texts of at least three bytes each.
func newWords(texts ...string) *words {
	w := new(words)
	for _, text := range texts {
		w[place(text)] = append(w[place(text)], text)
	}
	return w
}

// in reports whether a text has one of them.
func (w *words) in(s string) bool {
	for ; len(s) >= 3; s = s[1:] {
		for _, text := range w[place(s)] {
			if strings.HasPrefix(s, text) {
				return true
			}
		}
	}
	return false
}

// place is where a text that begins with these three bytes is.
func place(s string) int {
	return (int(s[0])<<7 ^ int(s[1])<<4 ^ int(s[2])) & (len(words{}) - 1)
}
