//! Text in columns, as the programs that users compare with align it.

/// Lines of tab-separated cells, aligned: a column is as wide as its widest cell among neighbouring lines that have
/// one, but the last cell of a line is no part of a column.
pub(crate) fn align(text: &str, padding: usize) -> String {
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len()]).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    for column in 0..columns {
        let mut at = 0;
        while at < lines.len() {
            let run = lines[at..].iter().take_while(|cells| cells.len() > column + 1).count();
            let block = &lines[at..at + run];
            let width =
                block.iter().map(|cells| cells[column].chars().count()).max().unwrap_or_default() + padding;
            widths[at..at + run].iter_mut().for_each(|line| line[column] = width);
            at += run.max(1);
        }
    }
    let mut out = String::new();
    for (cells, widths) in lines.iter().zip(&widths) {
        for (cell, &width) in cells.iter().zip(widths) {
            out.push_str(&format!("{cell:width$}"));
        }
        out.push('\n');
    }
    out
}

/// Rows of a table; columns keep their width from one printing to the next.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    widths: Vec<usize>,
}

impl Columns {
    const PADDING: usize = 3;
    const MIN: usize = 6;

    /// The rows as text.
    pub(crate) fn print(&mut self, rows: &[Vec<String>]) -> String {
        for cells in rows {
            let columns = cells.len().saturating_sub(1);
            if self.widths.len() < columns {
                self.widths.resize(columns, Self::MIN);
            }
            for (cell, width) in cells.iter().take(columns).zip(&mut self.widths) {
                *width = (*width).max(cell.chars().count() + Self::PADDING);
            }
        }
        let mut out = String::new();
        for cells in rows {
            let Some((last, columns)) = cells.split_last() else { continue };
            for (cell, &width) in columns.iter().zip(&self.widths) {
                out.push_str(&format!("{cell:width$}"));
            }
            out.push_str(last);
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aligned_blocks() {
        let text = "Name:\tweb\nNamespace:\tdefault\nPods:\n  A\tBB\tC\n  --\t-\t-\n";
        let expect = "Name:       web\nNamespace:  default\nPods:\n  A   BB  C\n  --  -   -\n";
        assert_eq!(align(text, 2), expect);
    }

    #[test]
    fn widths_are_kept() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        let mut columns = Columns::default();
        let first = columns.print(&[row(&["NAME", "A", "AGE"]), row(&["a-long-name", "1", "5s"])]);
        assert_eq!(first, "NAME          A     AGE\na-long-name   1     5s\n");
        assert_eq!(columns.print(&[row(&["b", "2", "1s"])]), "b             2     1s\n");
    }
}
