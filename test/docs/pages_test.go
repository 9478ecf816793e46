package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/holdfast-iam/holdfast/internal/localenv"
)

// page is one page of Markdown, taken apart.
type page struct {
	path     string // from the root of the tree
	text     string
	headings []string
	links    []string
	spans    []string // code within a sentence
	blocks   []block
}

// block is code that stands by itself.
type block struct {
	info, text string // info is empty for an indented block
	line       int
}

// language is the first word behind the fence.
func (b block) language() string {
	language, _, _ := strings.Cut(b.info, " ")
	return language
}

// pages reads what people read: the pages at the top, those in docs/, and each README.
func pages(t *testing.T) []page {
	t.Helper()
	root, err := localenv.Root()
	if err != nil {
		t.Fatal(err)
	}
	var found []page
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		found = append(found, takeApart(name, content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func takeApart(path string, content []byte) page {
	p := page{path: path, text: string(content)}
	document := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(content))
	_ = ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node := node.(type) {
		case *ast.Heading:
			p.headings = append(p.headings, inner(node, content))
		case *ast.Link:
			p.links = append(p.links, string(node.Destination))
		case *ast.Image:
			p.links = append(p.links, string(node.Destination))
		case *ast.CodeSpan:
			p.spans = append(p.spans, inner(node, content))
		case *ast.CodeBlock:
			p.blocks = append(p.blocks, newBlock("", node.Lines(), content))
		case *ast.FencedCodeBlock:
			info := ""
			if node.Info != nil {
				info = string(node.Info.Value(content))
			}
			p.blocks = append(p.blocks, newBlock(info, node.Lines(), content))
		}
		return ast.WalkContinue, nil
	})
	return p
}

func newBlock(info string, lines *text.Segments, content []byte) block {
	b := block{info: info, text: string(lines.Value(content))}
	if lines.Len() > 0 {
		b.line = 1 + strings.Count(string(content[:lines.At(0).Start]), "\n")
	}
	return b
}

// inner is the text of a node without its marks.
func inner(node ast.Node, content []byte) string {
	var all strings.Builder
	_ = ast.Walk(node, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if piece, is := node.(*ast.Text); is && entering {
			all.Write(piece.Segment.Value(content))
			if piece.SoftLineBreak() {
				all.WriteString(" ")
			}
		}
		return ast.WalkContinue, nil
	})
	return all.String()
}
