package summary

import (
	"bufio"
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tables "github.com/yuin/goldmark/extension/ast"
	renderer "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// folds are the HTML that hides a part until it is asked for.
var folds = regexp.MustCompile(`^(<details><summary>(Change|Timeline|Details|Roll back|Error output \((1 line|\d+ lines)\)|Agent log \(last (\d+ lines|line)\))</summary>|</details>)\n$`)

var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser()

// shown reads a page as GitHub does, and returns the text of its blocks with
// the mark of each: "## " for the heading, "> " for a note, "- " for an item,
// "| " for a cell, "```\n" for what is fenced. What the page never has is an
// error: links, images, HTML, more than text in a text.
func shown(page []byte) (blocks []string, err error) {
	node := gfm.Parse(text.NewReader(page))
	if node.FirstChild() == nil || node.FirstChild().Kind() != ast.KindHeading {
		return nil, fmt.Errorf("no heading first")
	}
	add := func(mark string, n ast.Node, own int) {
		s, e := plain(n, page, own)
		if e != nil && err == nil {
			err = e
		}
		blocks = append(blocks, mark+s)
	}
	headings, fences := 0, 0
	walk := func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		parent := n.Parent()
		top := parent != nil && parent.Kind() == ast.KindDocument
		switch n := n.(type) {
		case *ast.Document:
			return ast.WalkContinue, nil
		case *ast.Heading:
			if headings++; !top || n.Level != 2 || headings > 1 {
				return ast.WalkStop, fmt.Errorf("heading %d, of level %d", headings, n.Level)
			}
			add("## ", n, 0)
		case *ast.Paragraph:
			switch {
			case top:
				add("", n, 1)
			case parent.Kind() == ast.KindBlockquote && parent.ChildCount() == 1:
				add("> ", n, 0)
			default:
				return ast.WalkStop, fmt.Errorf("a paragraph in a %v", parent.Kind())
			}
		case *ast.FencedCodeBlock:
			if fences++; !top || fences > 5 {
				return ast.WalkStop, fmt.Errorf("fence %d, in a %v", fences, parent.Kind())
			}
			blocks = append(blocks, "```\n"+string(n.Lines().Value(page)))
		case *ast.HTMLBlock:
			tag := string(n.Lines().Value(page))
			if !top || !folds.MatchString(tag) {
				return ast.WalkStop, fmt.Errorf("HTML %q", tag)
			}
			blocks = append(blocks, tag)
		case *ast.Blockquote, *ast.List:
			if !top {
				return ast.WalkStop, fmt.Errorf("a %v in a %v", n.Kind(), parent.Kind())
			}
			return ast.WalkContinue, nil
		case *ast.ListItem:
			if n.ChildCount() == 0 {
				blocks = append(blocks, "- ")
			}
			return ast.WalkContinue, nil
		case *ast.TextBlock:
			if parent.Kind() != ast.KindListItem || parent.ChildCount() != 1 {
				return ast.WalkStop, fmt.Errorf("text in a %v", parent.Kind())
			}
			add("- ", n, 0)
		case *tables.Table:
			if !top {
				return ast.WalkStop, fmt.Errorf("a table in a %v", parent.Kind())
			}
			return ast.WalkContinue, nil
		case *tables.TableHeader, *tables.TableRow:
			if c := n.ChildCount(); c < 2 || c > 4 {
				return ast.WalkStop, fmt.Errorf("a row with %d cells", n.ChildCount())
			}
			return ast.WalkContinue, nil
		case *tables.TableCell:
			add("| ", n, 0)
		default:
			return ast.WalkStop, fmt.Errorf("a %v", n.Kind())
		}
		return ast.WalkSkipChildren, nil
	}
	if e := ast.Walk(node, walk); e != nil {
		return blocks, e
	}
	return blocks, err
}

// plain returns the text in a block, as it shows but without joiners. Of
// emphasis it allows so many.
func plain(block ast.Node, page []byte, emphasis int) (string, error) {
	var all, words, raw strings.Builder // words and raw are without code
	err := ast.Walk(block, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n == block {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			if n.SoftLineBreak() || n.HardLineBreak() {
				return ast.WalkStop, fmt.Errorf("more than a line in a %v", block.Kind())
			}
			var b bytes.Buffer
			out := bufio.NewWriter(&b)
			renderer.DefaultWriter.Write(out, n.Value(page))
			_ = out.Flush()
			s := html.UnescapeString(b.String())
			all.WriteString(s)
			words.WriteString(s)
			raw.Write(n.Value(page))
		case *ast.CodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				all.Write(c.(*ast.Text).Value(page))
			}
			words.WriteString("\n")
			raw.WriteString("\n")
			return ast.WalkSkipChildren, nil
		case *ast.RawHTML:
			if tag := string(n.Segments.Value(page)); tag != "<code>" && tag != "</code>" && tag != "<wbr>" {
				return ast.WalkStop, fmt.Errorf("HTML %q", tag)
			}
		case *ast.Emphasis:
			if emphasis--; emphasis < 0 || n.Level != 2 {
				return ast.WalkStop, fmt.Errorf("emphasis in a %v", block.Kind())
			}
		default:
			return ast.WalkStop, fmt.Errorf("a %v in a %v", n.Kind(), block.Kind())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return "", err
	}
	if m := extras.FindString(words.String()); m != "" {
		return "", fmt.Errorf("GitHub makes something of %q", m)
	}
	if m := math.FindString(raw.String()); m != "" {
		return "", fmt.Errorf("GitHub may see a formula from %q", m)
	}
	return strings.ReplaceAll(all.String(), html.UnescapeString(joiner), ""), nil
}

var (
	// extras are what GitHub makes of a text beyond GFM: mentions and mail
	// addresses, references, pictures, links.
	extras = regexp.MustCompile(`(?i)@[\pL\d]|#\d|\bgh-\d|:[\pL\d_+-]+:|://|www\.`)
	// math is a dollar sign that no backslash escapes.
	math = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\$`)
)
