package summary

import (
	"regexp"
	"strings"
)

// joiner is invisible, and keeps what stands around it from being a link.
const joiner = "&#8288;"

var markdown = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "~", "\\~", "$", "\\$",
	"[", "\\[", "]", "\\]", "|", "\\|",
	"#", "\\#"+joiner, "@", "@"+joiner, "://", ":"+joiner+"//",
)

var (
	// starts are those of lists and of lines, which mean nothing elsewhere.
	starts = regexp.MustCompile(`^(\d*)([-+=.)])`)
	// links are what GitHub takes for one by its letters: www.x and GH-1.
	links = regexp.MustCompile(`(?i)(www|\bgh)([.-])`)
	// emoji is what GitHub shows as a picture, such as :warning:.
	emoji = regexp.MustCompile(`:([\pL0-9_+\\-]+:)`)
)

// md escapes a line of text for GitHub-flavored Markdown: in a paragraph, a
// heading, a list's item or a table's cell it shows as it is, and is no link,
// image or mention.
//
// https://github.github.com/gfm/#backslash-escapes
func md(s string) string {
	s = starts.ReplaceAllString(markdown.Replace(s), `$1\$2`)
	s = links.ReplaceAllString(s, "$1"+joiner+"$2")
	for range 2 { // two emoji may share a colon
		s = emoji.ReplaceAllString(s, ":"+joiner+"$1")
	}
	return s
}

// code shows a line of text as code, in a table's cell too.
func code(s string) string {
	if s == "" {
		return "–"
	}
	if strings.ContainsAny(s, "`|") {
		return "<code>" + md(s) + "</code>"
	}
	return "`" + s + "`"
}

// breakable escapes a line of text for a table's cell, which a browser does not break
// within words: it may break those of more than n letters, at what separates their
// parts and else after n letters.
func breakable(s string, n int) string {
	return words.ReplaceAllStringFunc(md(s), func(word string) string {
		letters := letter.FindAllString(word, -1)
		if len(letters) <= n {
			return word
		}
		var b strings.Builder
		since := 0
		for i, c := range letters {
			b.WriteString(c)
			since++
			if last := i == len(letters)-1; !last && (since == n || separates.MatchString(c)) {
				b.WriteString("<wbr>")
				since = 0
			}
		}
		return b.String()
	})
}

var (
	// words are those between which a browser breaks a line.
	words = regexp.MustCompile(`[^ -]+`)
	// separates is what stands between the parts of words, in what md makes of it.
	separates = regexp.MustCompile(`^(?:[/:.,=@]|\\_)`)
	// letter is one that shows, in what md makes of a text.
	letter = regexp.MustCompile(`(?:&[#\w]+;|\\.|.)\pM*(?:&#8288;)*`)
)

// maxWord is how many letters of code a table's cell has space for on a phone.
const maxWord = 20

// codeCell shows a line of text as code in a table's cell.
func codeCell(s string) string {
	if text := breakable(s, maxWord); strings.Contains(text, "<wbr>") {
		return "<code>" + text + "</code>"
	}
	return code(s)
}

// fence shows a block of text as it is, behind a fence that it cannot close.
//
// https://github.github.com/gfm/#fenced-code-blocks
func fence(s string) string { return fenceOf("text", s) }

// fenceOf is a fence around text of a language.
func fenceOf(language, s string) string {
	longest, run := 2, 0
	for _, c := range s {
		if c == '`' {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	ticks := strings.Repeat("`", longest+1)
	return ticks + language + "\n" + strings.TrimRight(s, "\n") + "\n" + ticks + "\n"
}

// plainText is advice of ours without its Markdown, where none is shown.
func plainText(s string) string { return unmarked.Replace(s) }

var unmarked = strings.NewReplacer("`", "", "**", "")
