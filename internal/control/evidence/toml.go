package evidence

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/holdfast-iam/holdfast/internal/control"
)

// TOML flattens deployment.toml. Keys are joined by dots, those that have dots of their
// own as well: the server makes no difference either. Faults: *Error for a file that is
// no TOML, or that says a key twice.
func TOML(content []byte) (File, error) {
	file := newFile(control.Deployment)
	var root map[string]any
	if err := toml.Unmarshal(content, &root); err != nil {
		return File{}, tomlError(err)
	}
	twice := file.add(nil, root)
	file.findLines(content)
	if twice != "" {
		return File{}, &Error{Document: control.Deployment, Line: file.Lines[twice],
			Message: fmt.Sprintf("key %s is there twice, once with dots in its name: the server takes one of them", twice)}
	}
	return file, nil
}

func tomlError(err error) error {
	told := &Error{Document: control.Deployment, Message: strings.TrimPrefix(err.Error(), "toml: ")}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		told.Line, _ = decode.Position()
	}
	return told
}

// add gives a key that was there before, if there is one.
func (f *File) add(path []string, value any) (twice string) {
	switch value := value.(type) {
	case map[string]any:
		for key, inside := range value {
			twice = max(twice, f.add(append(path[:len(path):len(path)], key), inside))
		}
		return twice
	case []any:
		return f.addList(path, value)
	}
	_, quoted := value.(string)
	return f.set(path, []string{scalar(value)}, quoted)
}

func (f *File) addList(path []string, list []any) (twice string) {
	texts := make([]string, len(list))
	quoted := false
	for i, element := range list {
		switch element := element.(type) {
		case map[string]any, []any:
			// One table, or one list, makes it a list of such.
			for i, element := range list {
				twice = max(twice, f.add(append(path[:len(path):len(path)], strconv.Itoa(i)), element))
			}
			return twice
		default:
			if _, ok := element.(string); ok {
				quoted = true
			}
			texts[i] = scalar(element)
		}
	}
	return f.set(path, texts, quoted)
}

func (f *File) set(path, values []string, quoted bool) (twice string) {
	key := strings.Join(path, ".")
	if _, there := f.Values[key]; there {
		return key
	}
	f.Values[key] = values
	if quoted {
		f.Strings[key] = true
	}
	return ""
}

func scalar(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64)
	case time.Time:
		return value.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(value)
}

// findLines walks the file again, as text. It is good TOML by now.
func (f *File) findLines(content []byte) {
	walk := walker{file: f, elements: map[string]int{}}
	for offset, c := range content {
		if c == '\n' {
			walk.ends = append(walk.ends, offset)
		}
	}
	walk.parser.Reset(content)
	var table []string
	for walk.parser.NextExpression() {
		expression := walk.parser.Expression()
		switch expression.Kind {
		case unstable.Table:
			table = walk.resolve(walk.key(expression), false)
		case unstable.ArrayTable:
			table = walk.resolve(walk.key(expression), true)
		case unstable.KeyValue:
			walk.keyValue(table, expression)
		}
	}
}

type walker struct {
	parser unstable.Parser
	file   *File
	// ends are the offsets of line breaks.
	ends []int
	// elements counts, by path, the tables of a list.
	elements map[string]int
}

func (w *walker) key(node *unstable.Node) (key []string) {
	for part := node.Key(); part.Next(); {
		key = append(key, string(part.Node().Data))
	}
	return key
}

// resolve puts the index of the newest table behind each name that is a list of tables.
func (w *walker) resolve(key []string, another bool) (path []string) {
	for i, part := range key {
		path = append(path, part)
		name := strings.Join(path, ".")
		if another && i == len(key)-1 {
			w.elements[name]++
		}
		if count := w.elements[name]; count > 0 {
			path = append(path, strconv.Itoa(count-1))
		}
	}
	return path
}

func (w *walker) keyValue(table []string, node *unstable.Node) {
	first := node.Key()
	first.Next()
	line := 1 + sort.SearchInts(w.ends, int(first.Node().Raw.Offset))
	w.value(append(table[:len(table):len(table)], w.key(node)...), node.Value(), line)
}

func (w *walker) value(path []string, node *unstable.Node, line int) {
	key := strings.Join(path, ".")
	if _, there := w.file.Values[key]; there {
		w.file.Lines[key] = line
		return
	}
	children := node.Children()
	for i := 0; children.Next(); i++ {
		child := children.Node()
		switch node.Kind {
		case unstable.InlineTable:
			w.keyValue(path, child)
		case unstable.Array:
			w.value(append(path[:len(path):len(path)], strconv.Itoa(i)), child, line)
		}
	}
}
